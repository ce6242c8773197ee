"""The keyring: every secret of one account on one device.

Owns the seeds, their making, and their only form at rest: an age file under a passphrase (scrypt). Refuses to write a
seed in the clear, to show one (`repr`), and to overwrite a keyring half. Specified in `spec/keys.md`, "Keyring".
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from concord_formats.key_entries import DeviceKeys, KeyEntryError, SignedEntry, read_entry
from concord_formats.signatures import SignatureError, from_base64url, to_base64url
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .age import AgeError, HybridIdentity, ScryptIdentity, ScryptRecipient, decrypt_bytes, encrypt_bytes
from .age import WrongPassphraseError as AgePassphraseError
from .errors import KeyringError, WrongPassphraseError
from .private_files import make_directory, replacing
from .signing import SEED_BYTES, HybridSigningKey, first_entry

# scrypt with N = 2^18 (the age tool's own default): about a second and 256 MiB for each guess at a passphrase.
WORK_FACTOR = 18
# A kilobyte for each encryption key that was ever rotated, and the first entry: a larger file is not a keyring.
MAX_KEYRING_BYTES = 1024 * 1024
_SEED = 32


@dataclass(frozen=True)
class Keyring:
    """The seeds of an account (`identity`, `encryption`, newest last) and of this device (`signing`, `authentication`).

    `store` is the seed of the identity that local files are sealed to; its recipient is never published. `identity`
    and `signing` are 64 bytes, the others 32. `first_entry` is the signed entry that enrols.
    """

    account: UUID
    device: UUID
    identity_seed: bytes = field(repr=False)
    signing_seed: bytes = field(repr=False)
    authentication_seed: bytes = field(repr=False)
    encryption_seeds: tuple[bytes, ...] = field(repr=False)
    store_seed: bytes = field(repr=False)
    first_entry: SignedEntry = field(repr=False)

    @classmethod
    def create(cls, account: UUID) -> Keyring:
        """New keys for an account and its first device, from the operating system's randomness."""
        identity, signing = HybridSigningKey.generate(), HybridSigningKey.generate()
        authentication, encryption = secrets.token_bytes(_SEED), HybridIdentity.generate()
        device = DeviceKeys(id=uuid4(), signing=signing.public().encode(), authentication=_public(authentication))
        return cls(
            account=account,
            device=device.id,
            identity_seed=identity.seed,
            signing_seed=signing.seed,
            authentication_seed=authentication,
            encryption_seeds=(encryption.seed,),
            store_seed=secrets.token_bytes(_SEED),
            first_entry=first_entry(account, identity, str(encryption.recipient()), device),
        )

    def identity_key(self) -> HybridSigningKey:
        """Signs key entries."""
        return HybridSigningKey.from_seed(self.identity_seed)

    def signing_key(self) -> HybridSigningKey:
        """Signs letters and receipts, as this device."""
        return HybridSigningKey.from_seed(self.signing_seed)

    def encryption_identities(self) -> list[HybridIdentity]:
        """Open letters; the newest first, the older ones for letters that were sealed before a rotation."""
        return [HybridIdentity.from_seed(seed) for seed in reversed(self.encryption_seeds)]

    def store_identity(self) -> HybridIdentity:
        """Opens and seals this device's own files."""
        return HybridIdentity.from_seed(self.store_seed)

    def with_new_encryption_key(self) -> Keyring:
        """The keyring with one more encryption key; save it before the entry that publishes it."""
        return replace(self, encryption_seeds=(*self.encryption_seeds, secrets.token_bytes(_SEED)))

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


def _public(authentication_seed: bytes) -> str:
    return to_base64url(Ed25519PrivateKey.from_private_bytes(authentication_seed).public_key().public_bytes_raw())


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
    members = {name: _text(value) for name, value in asdict(keyring).items()}
    return json.dumps({"v": 1, **members}, indent=1).encode("ascii")


def _text(value: Any) -> Any:
    """UUIDs and bytes as text, whatever holds them."""
    match value:
        case bytes():
            return to_base64url(value)
        case UUID():
            return str(value)
        case dict():
            return {name: _text(each) for name, each in value.items()}
        case _:
            return [_text(each) for each in value]


def _decode(plain: bytes) -> Keyring:
    members = json.loads(plain)
    if members["v"] != 1:
        raise KeyringError("the keyring is of a newer version", "Update Concord on this device.")
    first = members["first_entry"]
    keyring = Keyring(
        account=UUID(members["account"]),
        device=UUID(members["device"]),
        identity_seed=_seed(members["identity_seed"], SEED_BYTES),
        signing_seed=_seed(members["signing_seed"], SEED_BYTES),
        authentication_seed=_seed(members["authentication_seed"]),
        encryption_seeds=tuple(_seed(text) for text in members["encryption_seeds"]),
        store_seed=_seed(members["store_seed"]),
        first_entry=SignedEntry(from_base64url(first["entry"]), from_base64url(first["signature"])),
    )
    entry = read_entry(keyring.first_entry)
    if entry.identity != keyring.identity_key().public().encode() or not keyring.encryption_seeds:
        raise ValueError("the first entry is of another identity")
    return keyring


def _seed(text: str, length: int = _SEED) -> bytes:
    raw = from_base64url(text)
    if len(raw) != length:
        raise ValueError("a seed of another length")
    return raw


__all__ = ["MAX_KEYRING_BYTES", "WORK_FACTOR", "Keyring"]
