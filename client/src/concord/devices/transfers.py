"""Transfers: what one device of an account hands over to another, by way of the directory.

Owns their form, and the rule by which two devices' knowledge becomes one. Refuses what no device of the account has
signed, a seed of a key that the account never published, and to drop a seed or to change a recipient that is known:
whoever has stolen a device knows every recipient, and a directory might help them. Specified in `spec/keys.md`,
"Transfers".

A transfer is an age file to the target's transfer recipient. Its plaintext is a line of JSON (who, to whom), the
signature of the sending device over line and rest, and the account as a `Portable` without documents, but for the
address book where it fits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from concord_formats.key_entries import KeyEntry
from concord_formats.signatures import HybridPublicKey, SignatureError, SignedKind, from_base64url, to_base64url

from ..address_books import read as read_book
from ..age import AgeError, HybridIdentity, decrypt_bytes, encrypt_bytes, parse_recipient
from ..errors import AddressBookError
from ..errors.devices import PortableError, TransferError
from ..keyring import Keyring
from ..portable import Portable

# The one document that goes with a transfer; another one in it, such as pins, is not looked at.
BOOK = "address-book"


def seal_transfer(keyring: Keyring, to: UUID, n: int, book: Mapping[str, Any] | None = None) -> bytes:
    """What `keyring` knows, and the address book, for another device whose recipient it knows.

    Raises KeyError; `PortableError` when it is too long, which without the book it never is.
    """
    line = json.dumps({"v": 1, "account": str(keyring.account), "from": str(keyring.device), "to": str(to)}).encode()
    portable = replace(Portable.of(keyring, None, n), documents={} if book is None else {BOOK: dict(book)}).encode()
    signature = keyring.signing_key().sign(SignedKind.TRANSFER, line + b"\n" + portable)
    plain = b"\n".join((line, to_base64url(signature).encode("ascii"), portable))
    return encrypt_bytes(plain, [parse_recipient(keyring.transfer_recipients[to])])


def open_transfer(sealed: bytes, keyring: Keyring, entries: Sequence[KeyEntry]) -> Portable:
    """Open what came for this device; `entries` is one's own checked history.

    Of a device that was revoked since, the seeds count and nothing else: the history says which those are, and the
    device may be a thief's. Of the documents it gives the address book alone, which was read. Raises `TransferError`
    when it is from no device of this account, or for another one.
    """
    identity = keyring.transfer_identity()
    try:
        plain = decrypt_bytes(sealed, [identity] if identity else [])
        line, signature, rest = plain.split(b"\n", 2)
        members = json.loads(line)
        if (members["v"], members["account"], members["to"]) != (1, str(keyring.account), str(keyring.device)):
            raise TransferError("what was handed over is for another device or account")
        sender = UUID(members["from"])
        _check_signature(sender, signature, line + b"\n" + rest, entries)
        portable = _with_book_alone(Portable.decode(rest))
    except AddressBookError:
        raise TransferError("the address book that was handed over cannot be read", "Update Concord here.") from None
    except (AgeError, PortableError, SignatureError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TransferError("what was handed over to this device is not from a device of yours") from None
    if keyring.identity_seed != portable.identity_seed or portable.identity != entries[-1].identity:
        raise TransferError("what was handed over is of another identity than your account's")
    if entries[-1].device(sender) is None:
        return replace(portable, transfer_recipients={}, recovery_version=0, documents={})
    return portable


def merge(keyring: Keyring, portable: Portable, entries: Sequence[KeyEntry]) -> Keyring:
    """What this device knows, and the other one besides; `entries` is one's own checked history.

    Raises `TransferError` when it holds a seed of an encryption key that the history does not have.
    """
    seeds = _in_order((*keyring.encryption_seeds, *portable.encryption_seeds), entries, set(keyring.encryption_seeds))
    in_force = {device.id for device in entries[-1].devices}
    # What is known stands: another recipient for a known device would be somebody else's.
    recipients = dict(portable.transfer_recipients) | dict(keyring.transfer_recipients)
    merged = replace(
        keyring,
        encryption_seeds=seeds,
        transfer_recipients={device: text for device, text in recipients.items() if device in in_force},
    )
    if portable.recovery_version > keyring.recovery_version:
        merged = replace(
            merged,
            recovery_recipient=portable.recovery_recipient,
            recovery_verifier=portable.recovery_verifier,
            recovery_version=portable.recovery_version,
        )
    return settle(merged, entries)


def settle(keyring: Keyring, entries: Sequence[KeyEntry]) -> Keyring:
    """The keyring once a pending key stands in the history: whatever interrupted its rotation, it was published."""
    if keyring.pending_seed is None or recipient_of(keyring.pending_seed) not in {e.encryption for e in entries}:
        return keyring
    published = keyring.with_published_key()
    own = set(published.encryption_seeds)
    return replace(published, encryption_seeds=_in_order(published.encryption_seeds, entries, own))


def has_newest(keyring: Keyring, newest: KeyEntry) -> bool:
    """Whether the keyring opens what colleagues seal to this account now."""
    return any(recipient_of(seed) == newest.encryption for seed in reversed(keyring.encryption_seeds))


def recipient_of(seed: bytes) -> str:
    """The public text of an encryption seed."""
    return str(HybridIdentity.from_seed(seed).recipient())


def _with_book_alone(portable: Portable) -> Portable:
    book = portable.documents.get(BOOK)
    if book is None:
        return replace(portable, documents={})
    read_book(book)
    return replace(portable, documents={BOOK: book})


def _in_order(seeds: Sequence[bytes], entries: Sequence[KeyEntry], own: set[bytes]) -> tuple[bytes, ...]:
    """Each seed once, oldest first as the history has them; one's own that are in no entry stand before all."""
    places = {entry.encryption: entry.n for entry in reversed(entries)}
    placed: dict[bytes, int] = {}
    for seed in dict.fromkeys(seeds):
        place = places.get(recipient_of(seed), 0)
        if not place and seed not in own:
            raise TransferError("what was handed over holds a key that your account never had")
        placed[seed] = place
    return tuple(sorted(placed, key=placed.__getitem__))


def _check_signature(sender: UUID, signature: bytes, payload: bytes, entries: Sequence[KeyEntry]) -> None:
    keys = next((keys for entry in reversed(entries) if (keys := entry.device(sender))), None)
    if keys is None:
        raise TransferError("what was handed over is from a device that your account never had")
    signing = HybridPublicKey.decode(keys.signing)
    signing.verify(SignedKind.TRANSFER, payload, from_base64url(signature.decode("ascii")))


__all__ = ["BOOK", "has_newest", "merge", "open_transfer", "recipient_of", "seal_transfer", "settle"]
