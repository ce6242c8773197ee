"""The clear address of a letter: all that a server may know of it.

Owns the shape, the strict reading and the digest of an address. Refuses to canonicalise: the exact bytes that the sender wrote are
what the sealed statement hashes, so an address is carried, stored and handed out as those bytes. Specified in `spec/letter.md`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from .vocabulary import Information, Purpose, Sensitivity

# An address is read before anything is known of its sender: the bound keeps a hostile one from costing memory.
MAX_ADDRESS_BYTES = 16 * 1024
# One age stanza (1.6 KiB) a recipient stands in every copy of the letter; a longer list is a mailing list, not a letter.
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

    `labels` are sets: an empty set of information or sensitivity labels is refused, since a letter that names nothing would be
    covered by everything.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: Literal[1]
    letter: UUID
    sender: UUID
    device: UUID
    recipients: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    patient: PatientToken
    consent: UUID
    consent_version: Annotated[int, Field(ge=1, le=1_000_000)]
    purpose: Purpose
    information: Annotated[frozenset[Information], Field(min_length=1)]
    sensitivity: Annotated[frozenset[Sensitivity], Field(min_length=1)]
    thread: UUID
    reply_to: UUID | None = None
    sealed_at: AwareDatetime

    @field_validator("recipients")
    @classmethod
    def _each_recipient_once(cls, value: tuple[UUID, ...]) -> tuple[UUID, ...]:
        if len(set(value)) != len(value):
            raise ValueError("names a recipient twice")
        return value

    def encode(self) -> bytes:
        """The address as one line of JSON in UTF-8, without the line feed that ends it on the wire."""
        members = self.model_dump(mode="json", exclude_none=True)
        for name in ("information", "sensitivity"):
            members[name] = sorted(members[name])
        return json.dumps(members, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def parse_address(line: bytes) -> Address:
    """Read the exact bytes of an address. Raises `AddressError` that names the first member that is wrong."""
    if len(line) > MAX_ADDRESS_BYTES:
        raise AddressError("address", f"is longer than {MAX_ADDRESS_BYTES} bytes; name fewer recipients")
    if b"\n" in line or b"\r" in line:
        raise AddressError("address", "must be one line")
    try:
        members = json.loads(line.decode("utf-8"), object_pairs_hook=_no_duplicates)
        return Address.model_validate_json(json.dumps(members))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise AddressError(".".join(map(str, first["loc"])) or "address", str(first["msg"])) from None
    except (ValueError, RecursionError):
        raise AddressError("address", "must be one JSON object in UTF-8, each member once") from None


def address_digest(line: bytes) -> str:
    """SHA-256 of the exact address bytes (without the line feed), in lower-case hexadecimal."""
    return hashlib.sha256(line).hexdigest()


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Two readers that disagree on which duplicate counts could be shown two different letters.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


__all__ = [
    "MAX_ADDRESS_BYTES",
    "MAX_RECIPIENTS",
    "Address",
    "AddressError",
    "PatientToken",
    "address_digest",
    "parse_address",
]
