"""The clear address of a letter: all that a server may know of it.

Owns the shape, the strict reading and the digest of an address. Refuses to canonicalise: the exact bytes that the
sender wrote are what the sealed statement hashes, so an address is carried, stored and handed out as those bytes.
Specified in `spec/letter.md`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from .lines import LineError, parse_line
from .scalars import FormatVersion, Id, Moment
from .vocabulary import Information, LabelReason, Purpose, Sensitivity

# An address is read before anything is known of its sender: the bound keeps a hostile one from costing memory.
MAX_ADDRESS_BYTES = 16 * 1024
# One age stanza (1.6 KiB) a recipient stands in every copy of the letter; a longer list is a mailing list, not a
# letter.
MAX_RECIPIENTS = 20

PatientToken = Annotated[str, StringConstraints(pattern=r"^pt_[a-z2-7]{26}$")]


class AddressError(ValueError):
    """The address cannot be accepted; `field` names the member that is wrong, `detail` says how to mend it."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


class Address(BaseModel):
    """Who sends which letter to whom, about which patient token, under which consent.

    Information and sensitivity labels are sets; an empty one is refused, since a letter that names nothing
    would be covered by everything. `label_reason` is there when the sender declared fewer labels than were found in
    the document; which ones is for the sealed statement alone to say. `on_behalf_of` is whose letter it is when the
    sender writes it for somebody else, by the right that `delegation` gives: neither is there without the other.
    `team`: every recipient is addressed as a member of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: FormatVersion
    letter: Id
    sender: Id
    device: Id
    on_behalf_of: Id | None = None
    delegation: Annotated[Id | None, Field(validate_default=True)] = None
    recipients: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    team: Id | None = None
    patient: PatientToken
    consent: Id
    consent_version: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    purpose: Purpose
    information: Annotated[frozenset[Information], Field(min_length=1)]
    sensitivity: Annotated[frozenset[Sensitivity], Field(min_length=1)]
    label_reason: LabelReason | None = None
    thread: Id
    reply_to: Id | None = None
    sealed_at: Moment

    @field_validator("recipients")
    @classmethod
    def _each_recipient_once(cls, value: tuple[UUID, ...]) -> tuple[UUID, ...]:
        if len(set(value)) != len(value):
            raise ValueError("names a recipient twice")
        return value

    @field_validator("on_behalf_of")
    @classmethod
    def _of_another(cls, value: UUID | None, info: ValidationInfo) -> UUID | None:
        if value is not None and value == info.data.get("sender"):
            raise ValueError("names the sender, who needs nobody's leave for a letter of their own")
        return value

    @field_validator("delegation")
    @classmethod
    def _with_whom_it_is_for(cls, value: UUID | None, info: ValidationInfo) -> UUID | None:
        # Where `on_behalf_of` itself is wrong it is not among the data, and its own error is the first.
        if "on_behalf_of" in info.data and (value is None) != (info.data["on_behalf_of"] is None):
            raise ValueError("stands together with on_behalf_of or not at all")
        return value

    def encode(self) -> bytes:
        """The address as one line of JSON in UTF-8, without the line feed that ends it on the wire."""
        members = self.model_dump(mode="json", exclude_none=True)
        for name in ("information", "sensitivity"):
            members[name] = sorted(members[name])
        return json.dumps(members, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def parse_address(line: bytes) -> Address:
    """Read the exact bytes of an address. Raises `AddressError` that names the first member that is wrong."""
    try:
        return parse_line(Address, line, MAX_ADDRESS_BYTES)
    except LineError as error:
        raise AddressError(error.field or "address", error.detail) from None


def address_digest(line: bytes) -> str:
    """SHA-256 of the exact address bytes (without the line feed), in lower-case hexadecimal."""
    return hashlib.sha256(line).hexdigest()


__all__ = [
    "MAX_ADDRESS_BYTES",
    "MAX_RECIPIENTS",
    "Address",
    "AddressError",
    "PatientToken",
    "address_digest",
    "parse_address",
]
