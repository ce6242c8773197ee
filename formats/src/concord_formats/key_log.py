"""The key log: one leaf for each change of an account's keys, and what such a leaf says.

Owns the log's name and the shape and strict reading of a binding, the line whose hash is a leaf. Refuses the tree
(`merkle.py`), its tiles (`tiles.py`), and trust: whoever reads a log brings the key it trusts. Specified in
`spec/key-log.md`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from .key_entries import MAX_ENTRIES
from .lines import LineError, parse_line
from .merkle import leaf_hash
from .scalars import FormatVersion, Id, Moment, Sha256

# Where a directory serves its log, below its own address.
ORIGIN_SUFFIX = "directory/log"
# A name of 200 characters takes 800 bytes: ours are below 2 KiB, and a bundle of 256 of them below 1 MiB.
MAX_BINDING_BYTES = 4096
_PORTS = {"https": 443, "http": 80}
# C2SP signed-note: what a key's name may not hold.
_NOTE_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,256}")
# What a name must not hold, since a person reads it in an alarm: controls, and what hides or turns the writing.
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=rf"^[^{_HIDDEN}]+$")]
Npi = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$")]
RoleWord = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,31}$")]


class BindingError(ValueError):
    """A leaf's data is no binding."""


class BindingKind(StrEnum):
    """What a binding tells: the five kinds of key entries, and the two steps of a recovery that precede an entry."""

    ENROLLED = "enrolled"
    DEVICE_ADDED = "device-added"
    DEVICE_REVOKED = "device-revoked"
    KEYS_CHANGED = "keys-changed"
    RECOVERED = "recovered"
    RECOVERY_ANNOUNCED = "recovery-announced"
    RECOVERY_REFUSED = "recovery-refused"

    @property
    def records_entry(self) -> bool:
        """Whether the entry stands in the account's history (and does not merely wait, or was turned away)."""
        return self not in (BindingKind.RECOVERY_ANNOUNCED, BindingKind.RECOVERY_REFUSED)


# Who somebody is, is said where it can be new: a watcher compares it with its own name and NPI.
_NAMES_SOMEBODY = (BindingKind.ENROLLED, BindingKind.RECOVERED, BindingKind.RECOVERY_ANNOUNCED)
_ATTESTED = (BindingKind.RECOVERED, BindingKind.RECOVERY_ANNOUNCED)


class Binding(BaseModel):
    """One leaf: entry `n` of an account was recorded at `at`, by the directory's clock.

    `entry` is the digest of the key entry's exact line; of a recovery that is announced or refused, that of the entry
    that waits, and `n` the place that it would take. `attestations` are the digests of the two attestations' lines.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    v: FormatVersion
    account: Id
    n: Annotated[int, Field(strict=True, ge=1, le=MAX_ENTRIES)]
    kind: BindingKind
    entry: Sha256
    at: Moment
    name: Name | None = None
    npi: Npi | None = None
    organization: Id | None = None
    role: RoleWord | None = None
    effective_from: Moment | None = None
    attestations: Annotated[tuple[Sha256, ...], Field(min_length=2, max_length=2)] | None = None

    @field_validator("attestations")
    @classmethod
    def _two_people(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and len(set(value)) != len(value):
            raise ValueError("is the same attestation twice")
        return value

    @model_validator(mode="after")
    def _what_its_kind_takes(self) -> Binding:
        named = {self.name is not None, self.organization is not None, self.role is not None}
        if named != {self.kind in _NAMES_SOMEBODY} or (self.npi is not None and True not in named):
            raise ValueError(f"{self.kind} takes other members of who somebody is")
        if (self.effective_from is not None) is not (self.kind is BindingKind.RECOVERY_ANNOUNCED):
            raise ValueError(f"effective_from and {self.kind} do not go together")
        if (self.attestations is not None) is not (self.kind in _ATTESTED):
            raise ValueError(f"attestations and {self.kind} do not go together")
        if (self.n == 1) is not (self.kind is BindingKind.ENROLLED):
            raise ValueError("the first binding of an account is its enrolment, and no other is")
        if self.effective_from is not None and self.effective_from < self.at:
            raise ValueError("a recovery does not take effect before it is announced")
        return self

    def encode(self) -> bytes:
        """One line of JSON without its line feed: the leaf's data. Raises `BindingError` when it is too long."""
        line = self.model_dump_json(exclude_none=True).encode("utf-8")
        if len(line) > MAX_BINDING_BYTES:
            raise BindingError(f"is longer than {MAX_BINDING_BYTES} bytes")
        return line

    def leaf(self) -> bytes:
        """The hash of its leaf (RFC 6962, section 2.1): 32 bytes."""
        return leaf_hash(self.encode())


def read_binding(data: bytes) -> Binding:
    """Read the exact bytes of a leaf's data. Raises `BindingError` that names the first member that is wrong.

    What is hashed into the tree are these bytes and no others: hash what was read, not what would be written.
    """
    try:
        return parse_line(Binding, data, MAX_BINDING_BYTES)
    except LineError as error:
        raise BindingError(f"{error.field or 'binding'}: {error.detail}") from None


def origin(base_url: str) -> str:
    """The log's origin and the name of its key: the URL prefix without its scheme (C2SP tlog-tiles, "Parameters").

    `https://Concord.example/` has the log `concord.example/directory/log`. Host in lower case, the scheme's own port
    left out: one text for one place. Raises `BindingError` for what is no address.
    """
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BindingError("not an address") from None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise BindingError("an address is http(s)://host[:port][/path]")
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in (None, _PORTS[parts.scheme]) else f"{shown}:{port}"
    name = "/".join(part for part in (place, parts.path.strip("/"), ORIGIN_SUFFIX) if part)
    if not _NOTE_NAME.fullmatch(name):
        raise BindingError("an address with spaces or plus signs cannot name a log")
    return name


__all__ = [
    "MAX_BINDING_BYTES",
    "ORIGIN_SUFFIX",
    "Binding",
    "BindingError",
    "BindingKind",
    "origin",
    "read_binding",
]
