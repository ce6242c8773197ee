"""The keyring: every secret of one account on one device.

Owns the seeds, their making, and their only form at rest: an age file under a passphrase (scrypt). Refuses to write a
seed in the clear, to show one (`repr`), and to overwrite a keyring half. Specified in `spec/keys.md`, "Keyring".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from concord_formats.key_entries import KeyEntryError, SignedEntry, read_entry
from concord_formats.signatures import SignatureError

from .age import AgeError, HybridIdentity, ScryptIdentity, ScryptRecipient, decrypt_bytes, encrypt_bytes
from .age import WrongPassphraseError as AgePassphraseError
from .errors import KeyringError, WrongPassphraseError
from .private_files import make_directory, replacing
from .seeds import DeviceSeeds, new_seed, read_seed, read_signed, text_of
from .signing import SEED_BYTES, HybridSigningKey, first_entry

# scrypt with N = 2^18 (the age tool's own default): about a second and 256 MiB for each guess at a passphrase.
WORK_FACTOR = 18
# A kilobyte for each encryption key that was ever rotated, and the first entry: a larger file is not a keyring.
MAX_KEYRING_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Keyring:
    """The seeds of an account (`identity`, `encryption`, newest last) and of this device (`signing`, `authentication`).

    `store` is the seed of the identity that local files are sealed to, `transfer` of the one that other devices of the
    owner seal to; the recipient of the first is never published, that of the second known to the owner's devices alone
    (`transfer_recipients`, by device, this one among them). `pending_seed` is an encryption key that no entry has
    published yet: it never leaves this device. `identity` and `signing` are 64 bytes, the others 32. `first_entry` is
    the signed entry that gave the account its identity: the one that enrolled, or that recovered it.

    `recovery_recipient` is the age recipient of the recovery code, `recovery_verifier` the SHA-256 (hexadecimal) of
    its credential; both None where there is no code. `recovery_version` is one higher with each new code, so that of
    two devices it is known which has heard of the newer one.
    """

    account: UUID
    device: UUID
    identity_seed: bytes = field(repr=False)
    signing_seed: bytes = field(repr=False)
    authentication_seed: bytes = field(repr=False)
    encryption_seeds: tuple[bytes, ...] = field(repr=False)
    store_seed: bytes = field(repr=False)
    first_entry: SignedEntry = field(repr=False)
    transfer_seed: bytes | None = field(default=None, repr=False)
    transfer_recipients: Mapping[UUID, str] = field(default_factory=dict, repr=False)
    pending_seed: bytes | None = field(default=None, repr=False)
    recovery_recipient: str | None = field(default=None, repr=False)
    recovery_verifier: str | None = field(default=None, repr=False)
    recovery_version: int = 0

    @classmethod
    def create(cls, account: UUID) -> Keyring:
        """New keys for an account and its first device, from the operating system's randomness."""
        identity, encryption, device = HybridSigningKey.generate(), HybridIdentity.generate(), DeviceSeeds.create()
        first = first_entry(account, identity, str(encryption.recipient()), device.public())
        return cls.of(device, account, identity.seed, (encryption.seed,), first)

    @classmethod
    def of(
        cls,
        device: DeviceSeeds,
        account: UUID,
        identity_seed: bytes,
        encryption_seeds: tuple[bytes, ...],
        first: SignedEntry,
        **more: Mapping[UUID, str] | str | int | None,
    ) -> Keyring:
        """A keyring from an account's seeds and a device's; `more` are members that have a default."""
        keyring = cls(
            account=account,
            identity_seed=identity_seed,
            encryption_seeds=encryption_seeds,
            first_entry=first,
            **vars(device),
            **more,  # type: ignore[arg-type]  # checked by the dataclass's own names
        )
        return keyring.completed()

    def completed(self) -> Keyring:
        """The keyring with what an older one lacks: save it before anything of it is handed to another device."""
        seed = self.transfer_seed or new_seed()
        own = {self.device: str(HybridIdentity.from_seed(seed).recipient())}
        return replace(self, transfer_seed=seed, transfer_recipients=dict(self.transfer_recipients) | own)

    def identity_key(self) -> HybridSigningKey:
        """Signs key entries."""
        return HybridSigningKey.from_seed(self.identity_seed)

    def signing_key(self) -> HybridSigningKey:
        """Signs letters and receipts, as this device."""
        return HybridSigningKey.from_seed(self.signing_seed)

    def encryption_identities(self) -> list[HybridIdentity]:
        """Open letters; the newest first, the older ones for letters that were sealed before a rotation.

        A key that is being published stands before them all: others may seal to it before this device knows that.
        """
        pending = [self.pending_seed] if self.pending_seed else []
        return [HybridIdentity.from_seed(seed) for seed in (*pending, *reversed(self.encryption_seeds))]

    def transfer_identity(self) -> HybridIdentity | None:
        """Opens what another device of the owner handed over; None in an older keyring that is not `completed`."""
        return HybridIdentity.from_seed(self.transfer_seed) if self.transfer_seed else None

    def store_identity(self) -> HybridIdentity:
        """Opens and seals this device's own files."""
        return HybridIdentity.from_seed(self.store_seed)

    def device_seeds(self) -> DeviceSeeds:
        """What is this device's own: whoever makes the keyring anew keeps the device by it."""
        return DeviceSeeds(
            device=self.device,
            signing_seed=self.signing_seed,
            authentication_seed=self.authentication_seed,
            store_seed=self.store_seed,
            transfer_seed=self.transfer_seed or new_seed(),
        )

    def with_recovery(self, recipient: str, verifier: str) -> Keyring:
        """The keyring under a new recovery code; the one before is replaced on every device that hears of it."""
        version = self.recovery_version + 1
        return replace(self, recovery_recipient=recipient, recovery_verifier=verifier, recovery_version=version)

    def with_new_encryption_key(self) -> Keyring:
        """The keyring with one more encryption key, pending; save it before the entry that publishes it.

        One that is pending already stays: an interrupted rotation is taken up again with the key that was saved.
        """
        return replace(self, pending_seed=self.pending_seed or new_seed())

    def with_published_key(self) -> Keyring:
        """The keyring once the pending key stands in the history: now it is the account's, and may be handed on."""
        seeds = (*self.encryption_seeds, self.pending_seed) if self.pending_seed else self.encryption_seeds
        return replace(self, encryption_seeds=seeds, pending_seed=None)

    def save(self, path: Path, passphrase: str, *, work_factor: int = WORK_FACTOR) -> None:
        """Seal to the passphrase and replace `path` in one step (0600, directory 0700). Raises `KeyringError`.

        `work_factor` is the logarithm of scrypt's N; below the default only for tests and demonstrations.
        """
        if not passphrase:
            raise KeyringError("an empty passphrase protects nothing", "Choose four or more random words.")
        sealed = encrypt_bytes(_encode(self), [ScryptRecipient(passphrase, work_factor=work_factor)])
        make_directory(path.parent)
        with replacing(path) as target:
            target.write(sealed)

    @classmethod
    def load(cls, path: Path, passphrase: str) -> Keyring:
        """Open a keyring. Raises `WrongPassphraseError`, or `KeyringError` when it is missing or damaged."""
        with _opening(path):
            with path.open("rb") as source:
                sealed = source.read(MAX_KEYRING_BYTES + 1)
            if len(sealed) > MAX_KEYRING_BYTES:
                raise KeyringError(f"{path} is not a keyring: it is too large")
            return _decode(decrypt_bytes(sealed, [ScryptIdentity(passphrase)]))


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise KeyringError(f"there is no keyring at {path}") from None
    except AgePassphraseError:
        raise WrongPassphraseError from None
    except AgeError as error:
        raise KeyringError(f"the keyring at {path} was changed or cut short ({error})") from None
    except (KeyEntryError, SignatureError, ValueError, KeyError, TypeError):
        raise KeyringError(f"the keyring at {path} opens, but does not hold what it should") from None


def _encode(keyring: Keyring) -> bytes:
    members = {name: value for name, value in vars(keyring).items() if value is not None}
    return json.dumps({"v": 1, **text_of(members)}, indent=1).encode("ascii")


def _decode(plain: bytes) -> Keyring:
    """Read a keyring of any day; what an older one lacks is None or empty (see `Keyring.completed`)."""
    members = json.loads(plain)
    if members["v"] != 1:
        raise KeyringError("the keyring is of a newer version", "Update Concord on this device.")
    recipients = members.get("transfer_recipients", {})
    keyring = Keyring(
        account=UUID(members["account"]),
        device=UUID(members["device"]),
        identity_seed=read_seed(members["identity_seed"], SEED_BYTES),
        signing_seed=read_seed(members["signing_seed"], SEED_BYTES),
        authentication_seed=read_seed(members["authentication_seed"]),
        encryption_seeds=tuple(map(read_seed, members["encryption_seeds"])),
        store_seed=read_seed(members["store_seed"]),
        first_entry=read_signed(members["first_entry"]),
        transfer_seed=_optional(members.get("transfer_seed")),
        transfer_recipients={UUID(device): str(recipient) for device, recipient in recipients.items()},
        pending_seed=_optional(members.get("pending_seed")),
        recovery_recipient=members.get("recovery_recipient"),
        recovery_verifier=members.get("recovery_verifier"),
        recovery_version=int(members.get("recovery_version", 0)),
    )
    entry = read_entry(keyring.first_entry)
    if entry.identity != keyring.identity_key().public().encode() or not keyring.encryption_seeds:
        raise ValueError("the first entry is of another identity")
    return keyring


def _optional(text: str | None) -> bytes | None:
    return None if text is None else read_seed(text)


__all__ = ["MAX_KEYRING_BYTES", "WORK_FACTOR", "Keyring"]
