"""Portable: what an account takes along to another device, or into its backup.

Owns its form and its reading, and how a keyring is made of it for another device. Refuses what belongs to one device
alone (its keys, letters as they came, what it was about to send, an encryption key that is not published yet), and
what does not hold together: an identity that is not that of its first entry. It is never written unsealed. Specified in
`spec/keys.md`, "Portable".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from concord_formats.key_entries import MAX_ENTRIES, KeyEntryError, SignedEntry, read_entry

from .age import AgeError, HybridRecipient, parse_recipient
from .errors.devices import PortableError
from .keyring import Keyring
from .seeds import DeviceSeeds, read_seed, read_signed, text_of
from .signing import SEED_BYTES, HybridSigningKey
from .store import SealedStore

# The directory takes 4 MiB, and sealing adds less than the rest.
MAX_PORTABLE_BYTES = 4 * 1024 * 1024 - 64 * 1024
# The documents of the sealed store that are the account's rather than a device's: patients' names, colleagues' keys,
# where a Part 2 document came from, the logs as this person has seen them.
DOCUMENTS = ("address-book", "pins", "part-2-documents", "account-log", "key-log")


@dataclass(frozen=True)
class Portable:
    """An account, to take along: `n` is the number of the newest entry of its own history that was seen."""

    account: UUID
    identity_seed: bytes = field(repr=False)
    encryption_seeds: tuple[bytes, ...] = field(repr=False)
    first_entry: SignedEntry = field(repr=False)
    n: int
    transfer_recipients: Mapping[UUID, str] = field(repr=False)
    recovery_recipient: str | None = field(default=None, repr=False)
    recovery_verifier: str | None = field(default=None, repr=False)
    recovery_version: int = 0
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, keyring: Keyring, store: SealedStore | None, n: int) -> Portable:
        """Of a keyring that is `completed`, and the documents of its store (None: of no document)."""
        found = {} if store is None else {name: store.read(name) for name in DOCUMENTS}
        return cls(
            account=keyring.account,
            identity_seed=keyring.identity_seed,
            encryption_seeds=keyring.encryption_seeds,
            first_entry=keyring.first_entry,
            n=n,
            transfer_recipients=keyring.transfer_recipients,
            recovery_recipient=keyring.recovery_recipient,
            recovery_verifier=keyring.recovery_verifier,
            recovery_version=keyring.recovery_version,
            documents={name: document for name, document in found.items() if document is not None},
        )

    @property
    def identity(self) -> str:
        """The public identity key, as a key entry names it."""
        return HybridSigningKey.from_seed(self.identity_seed).public().encode()

    def encode(self) -> bytes:
        """As JSON, to be sealed. Raises `PortableError` when the directory would not take it."""
        members = {name: value for name, value in vars(self).items() if name != "documents" and value is not None}
        raw = json.dumps({"v": 1, **text_of(members), "documents": dict(self.documents)}).encode("ascii")
        if len(raw) > MAX_PORTABLE_BYTES:
            raise PortableError(
                f"what the account takes along is longer than {MAX_PORTABLE_BYTES} bytes",
                "Remove patients from the address book whom you no longer see: concord patient remove",
            )
        return raw

    @classmethod
    def decode(cls, raw: bytes) -> Portable:
        """Read `encode()`. Raises `PortableError` when it is malformed, too large, or does not hold together."""
        if len(raw) > MAX_PORTABLE_BYTES:
            raise PortableError("what the account takes along is too large to be that")
        try:
            members = json.loads(raw)
            if members["v"] != 1:
                raise PortableError("it is of a newer version", "Update Concord on this device.")
            portable = _read(members)
            _check(portable)
        except (AgeError, KeyEntryError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise PortableError("what the account takes along is not what it should be") from None
        return portable

    def keyring(self, device: DeviceSeeds | None = None) -> Keyring:
        """The account's keyring on another device; without seeds, a new device's are made."""
        return Keyring.of(
            device or DeviceSeeds.create(),
            self.account,
            self.identity_seed,
            self.encryption_seeds,
            self.first_entry,
            transfer_recipients=self.transfer_recipients,
            recovery_recipient=self.recovery_recipient,
            recovery_verifier=self.recovery_verifier,
            recovery_version=self.recovery_version,
        )

    def unpack(self, store: SealedStore) -> None:
        """Seal the documents into a new device's store; one of the same name is replaced.

        Raises `StoreError`. A document of a name that this version does not know is left out.
        """
        for name in DOCUMENTS:
            if name in self.documents:
                store.write(name, self.documents[name])


def _read(members: Mapping[str, Any]) -> Portable:
    return Portable(
        account=UUID(members["account"]),
        identity_seed=read_seed(members["identity_seed"], SEED_BYTES),
        encryption_seeds=tuple(map(read_seed, members["encryption_seeds"])),
        first_entry=read_signed(members["first_entry"]),
        n=int(members["n"]),
        transfer_recipients={UUID(device): text for device, text in members["transfer_recipients"].items()},
        recovery_recipient=members.get("recovery_recipient"),
        recovery_verifier=members.get("recovery_verifier"),
        recovery_version=int(members.get("recovery_version", 0)),
        documents=dict(members["documents"]),
    )


def _check(portable: Portable) -> None:
    entry = read_entry(portable.first_entry)
    if entry.account != portable.account or entry.identity != portable.identity:
        raise ValueError("the first entry is of another account or identity")
    if not 0 < len(portable.encryption_seeds) <= MAX_ENTRIES or not 0 < portable.n <= MAX_ENTRIES:
        raise ValueError("no account has so many keys, or none")
    recipients = [*portable.transfer_recipients.values(), portable.recovery_recipient]
    if not all(isinstance(parse_recipient(text), HybridRecipient) for text in recipients if text is not None):
        raise ValueError("a recipient of another type")
    if not all(isinstance(document, dict) for document in portable.documents.values()):
        raise ValueError("a document of another form")


__all__ = ["DOCUMENTS", "MAX_PORTABLE_BYTES", "Portable"]
