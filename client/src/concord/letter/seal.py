"""Sealing: from a document and an address to the bytes of a letter.

Owns the order: hash the body, state, sign, and write everything into one age file behind the clear address line.
Refuses parts that do not fit together before a byte is written, and a body that changes while it is sealed.
Specified in `spec/letter.md`, "Sealing".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from concord_formats.address import Address
from concord_formats.delegations import DelegationError, unverified_delegation
from concord_formats.key_entries import KeyEntry
from concord_formats.signatures import SignedKind, to_base64url
from concord_formats.vocabulary import PART_2_NOTICE
from pydantic import ValidationError

from ..age import AgeError, HybridRecipient, encrypting_writer, parse_recipient
from ..errors import BodyMismatchError, SealingError
from ..signing import HybridSigningKey
from .delegated import uncovered
from .scope import is_part_2
from .statement import MAX_BODY_BYTES, Enclosed, Statement, StatementBody, state
from .streams import HashingWriter, Progress, pieces, reading


@dataclass(frozen=True)
class SealedLetter:
    """What was sealed: the exact address bytes (without line feed), the statement, digest and size of the letter."""

    address_line: bytes
    statement: Statement
    sha256: str
    size: int


def seal(  # noqa: PLR0913 - the parts of a letter
    target: BinaryIO,
    *,
    body: Path | BinaryIO,
    media_type: str,
    address: Address,
    signing_key: HybridSigningKey,
    recipients: Mapping[UUID, KeyEntry],
    own_entry: KeyEntry,
    enclosed: Enclosed = Enclosed(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> SealedLetter:
    """Write a letter to `target`: address line, line feed, age file. Constant memory; the body is read twice.

    `recipients` holds the checked newest key entry of every recipient of the address, `own_entry` the sender's own; a
    body that is a stream must be seekable and is read from its start. `enclosed` holds the consent's scope, which must
    cover the letter, and the notice; records under 42 CFR Part 2 are not sealed without both (42 CFR 2.32). `progress`
    is told of each piece's length.
    Raises `SealingError`, `BodyMismatchError`; what `target` holds then is no letter, and is to be thrown away.
    """
    _check_parts(address, signing_key, recipients, own_entry)
    check_enclosed(address, enclosed)
    keys = _keys([*(recipients[person] for person in address.recipients), own_entry])
    line = address.encode()
    with reading(body) as source:
        measured = _measure(source, media_type)
        statement = state(address, line, signing_key.public().encode(), dict(recipients), measured, enclosed)
        writer = HashingWriter(target)
        writer.write(line + b"\n")
        with encrypting_writer(cast(BinaryIO, writer), keys) as sealed:
            sealed.write(_signed(statement, signing_key))
            _copy(source, cast(BinaryIO, sealed), measured, progress)
    return SealedLetter(line, statement, writer.sha256, writer.size)


def check_enclosed(address: Address, enclosed: Enclosed) -> None:
    """Refuse what a letter may not go with, or without. Raises `SealingError`."""
    if is_part_2(address.sensitivity) and (enclosed.scope is None or enclosed.notice != PART_2_NOTICE):
        raise SealingError("records under 42 CFR Part 2 go with their notice and their consent's scope, or not at all")
    if enclosed.notice not in {None, PART_2_NOTICE}:
        raise SealingError("the notice is not that of 42 CFR 2.32(a)(2), word for word")
    if enclosed.scope and (uncovered := enclosed.scope.uncovered(address)):
        raise SealingError(f"the consent does not cover the letter: {'; '.join(uncovered)}", _UNCOVERED)
    if bool(enclosed.labels_left_out) != (address.label_reason is not None):
        raise SealingError("labels that are left out take a reason, and a reason takes labels that are left out")
    if enclosed.labels_left_out & (address.information | address.sensitivity):
        raise SealingError("a label is declared and left out at once")
    _check_delegation(address, enclosed)


def _check_delegation(address: Address, enclosed: Enclosed) -> None:
    """What every reader would refuse of a delegation; its signature is looked at where it is chosen."""
    if (enclosed.delegation is None) is not (address.delegation is None):
        raise SealingError("a letter in somebody's name takes their delegation, and a delegation takes such a letter")
    if enclosed.delegation is None:
        return
    try:
        lines = uncovered(unverified_delegation(enclosed.delegation.line), address)
    except DelegationError:
        raise SealingError("the delegation cannot be read") from None
    if lines:
        raise SealingError(f"the delegation does not allow the letter: {'; '.join(lines)}")


_UNCOVERED = "Nothing was sent. See what the patient allowed: concord consent show"


def _check_parts(
    address: Address, signing_key: HybridSigningKey, recipients: Mapping[UUID, KeyEntry], own_entry: KeyEntry
) -> None:
    """What every reader would refuse is refused here, before anything is written."""
    if address.sender != own_entry.account:
        raise SealingError("the address names another sender than the keys at hand")
    device = own_entry.device(address.device)
    if device is None or device.signing != signing_key.public().encode():
        raise SealingError("the signing key is not that of a device of the sender", "Enrol this device anew.")
    if set(recipients) != set(address.recipients):
        raise SealingError("the keys at hand are not those of the recipients that the address names")
    if any(entry.account != person for person, entry in recipients.items()):
        raise SealingError("a recipient's keys are those of another person")


def _keys(entries: list[KeyEntry]) -> list[HybridRecipient]:
    """Each encryption key once. Raises `SealingError` for one that is not post-quantum, or no key at all."""
    keys: dict[str, HybridRecipient] = {}
    for entry in entries:
        try:
            key = parse_recipient(entry.encryption)
        except AgeError:
            key = None
        if not isinstance(key, HybridRecipient):
            raise SealingError(f"the encryption key of {entry.account} cannot be used", "Ask them to rotate it.")
        keys[entry.encryption] = key
    return list(keys.values())


def _measure(source: BinaryIO, media_type: str) -> StatementBody:
    """The first of two passes over the body."""
    source.seek(0)
    digest, size = hashlib.sha256(), 0
    for piece in pieces(source):
        digest.update(piece)
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise SealingError(f"the document is larger than {MAX_BODY_BYTES} bytes", "Send it in parts.")
    try:
        return StatementBody(type=media_type, size=size, sha256=digest.hexdigest())
    except ValidationError:
        raise SealingError("the media type is not one", "Write it as in application/pdf.") from None


def _signed(statement: Statement, key: HybridSigningKey) -> bytes:
    line = statement.encode()
    return line + b"\n" + to_base64url(key.sign(SignedKind.STATEMENT, line)).encode("ascii") + b"\n"


def _copy(source: BinaryIO, sealed: BinaryIO, measured: StatementBody, progress: Progress | None) -> None:
    """The second pass: seal what was measured, and only that."""
    source.seek(0)
    writer = HashingWriter(sealed)
    for piece in pieces(source):
        writer.write(piece)
        if progress:
            progress(len(piece))
    if (writer.size, writer.sha256) != (measured.size, measured.sha256):
        raise BodyMismatchError("the document changed while it was being sealed", "Close it elsewhere; send it again.")


__all__ = ["SealedLetter", "check_enclosed", "seal"]
