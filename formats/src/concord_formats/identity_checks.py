"""Identity checks: an administrator's signed word that the person they invite is who the invitation says.

Owns the shape, the closed list of ways in which an identity was checked, and the check of the signature. Refuses to say
whether the attestor was an administrator, or had that device then: that is in the key log and in the attestor's own key
history. Specified in `spec/keys.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, field_validator, model_validator

from .lines import LineError, parse_line
from .scalars import FormatVersion, Id, Moment
from .signatures import HybridPublicKey, SignatureError, SignedKind

# A name of 200 characters and the rest: ours are below 1.5 KiB.
MAX_CHECK_BYTES = 2048
MAX_NAME = 200
# It is tomorrow in Kiribati while it is yesterday in Hawaii: a day is written as it was where the person stood.
_AHEAD = timedelta(days=1)


class IdentityCheckError(ValueError):
    """An identity check is malformed, or was not signed by this key."""


class Checked(StrEnum):
    """How the attestor made sure who the person is.

    The first two are those of NIST SP 800-63A (identity proofing, attended on site or remotely, with photo evidence); a
    credentialing file is one whose sources were verified for it (as 42 CFR 422.204(b) asks of health plans).
    """

    IN_PERSON_PHOTO_ID = "in-person-photo-id"
    VIDEO_PHOTO_ID = "video-photo-id"
    KNOWN_IN_PERSON = "known-in-person"
    CREDENTIALING_FILE = "credentialing-file"


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _one_day(value: object) -> object:
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError("must be a date (RFC 3339, full-date)")
    return value


class IdentityCheck(BaseModel):
    """`attestor` says: the person of this name (and NPI) is who they say; checked on that day, in that way.

    `name` has one space between its words, as the directory keeps it. `checked_on` is a calendar day, at most one day
    after that of `at` in UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    v: FormatVersion
    organization: Id
    role: Literal["practitioner", "administrator", "privacy-officer"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
    npi: Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$")] | None = None
    how: Checked
    checked_on: Annotated[date, BeforeValidator(_one_day)]
    attestor: Id
    device: Id
    at: Moment

    @field_validator("name")
    @classmethod
    def _one_spelling(cls, value: str) -> str:
        if value != written(value) or not value.isprintable():
            raise ValueError("must be visible characters, with one space between its words")
        return value

    @model_validator(mode="after")
    def _in_the_past(self) -> Self:
        if self.checked_on > self.at.date() + _AHEAD:
            raise ValueError("checked_on must not lie after the day on which it was signed")
        return self

    def encode(self) -> bytes:
        """One line of JSON, the exact bytes that are signed as `SignedKind.IDENTITY_CHECK`."""
        return self.model_dump_json(exclude_none=True).encode("utf-8")


@dataclass(frozen=True)
class SignedIdentityCheck:
    """The exact bytes of an identity check and the hybrid signature of the attestor's device over them."""

    line: bytes
    signature: bytes


def written(name: str) -> str:
    """A name as it stands in a check: one space between its words."""
    return " ".join(name.split())


def unverified_identity_check(line: bytes) -> IdentityCheck:
    """Read a line, whoever signed it: whose key to check it with stands in it. Raises `IdentityCheckError`."""
    try:
        return parse_line(IdentityCheck, line, MAX_CHECK_BYTES)
    except LineError as error:
        raise IdentityCheckError(f"{error.field or 'identity check'}: {error.detail}") from None


def read_identity_check(signed: SignedIdentityCheck, signing_key: HybridPublicKey) -> IdentityCheck:
    """Read a check and verify its signature by `signing_key`, a device's. Raises `IdentityCheckError`."""
    check = unverified_identity_check(signed.line)
    try:
        signing_key.verify(SignedKind.IDENTITY_CHECK, signed.line, signed.signature)
    except SignatureError as error:
        raise IdentityCheckError(str(error)) from None
    return check


__all__ = [
    "MAX_CHECK_BYTES",
    "Checked",
    "IdentityCheck",
    "IdentityCheckError",
    "SignedIdentityCheck",
    "read_identity_check",
    "unverified_identity_check",
    "written",
]
