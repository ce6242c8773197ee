"""Delegations: one practitioner's signed word that a colleague may send letters in their name.

Owns the shape, the bounds of what can be given, the reading of the line and the check of its signature, and what one
delegation allows at one moment. Refuses to say whether it was revoked, or whether the delegator had that device then:
the first is in the directory, the second in the delegator's own key history. Specified in `spec/teams.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .lines import LineError, parse_line
from .scalars import FormatVersion, Id, Moment, Sha256
from .signatures import HybridPublicKey, SignatureError, SignedKind
from .vocabulary import Information, Purpose, Sensitivity

# One that names every purpose and every label is below 1100 bytes.
MAX_DELEGATION_BYTES = 2048
# Longer than a year is an appointment; somebody should look at it once a year.
LONGEST_DELEGATION = timedelta(days=366)


class DelegationError(ValueError):
    """A delegation is malformed, or was not signed by this key."""


class Delegation(BaseModel):
    """`delegator` says: `delegate` may send letters in my name, for these purposes and labels, between these moments.

    It begins at `valid_from`, and `valid_until` is the first moment at which it holds no more. An emergency is nothing
    that can be given away: whoever releases in one records their own judgement (42 CFR 2.51).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    v: FormatVersion
    delegation: Id
    delegator: Id
    delegate: Id
    device: Id
    purposes: Annotated[frozenset[Purpose], Field(min_length=1)]
    information: Annotated[frozenset[Information], Field(min_length=1)]
    sensitivity: Annotated[frozenset[Sensitivity], Field(min_length=1)]
    valid_from: Moment
    valid_until: Moment
    at: Moment

    @model_validator(mode="after")
    def _to_somebody_else(self) -> Delegation:
        if self.delegate == self.delegator:
            raise ValueError("nobody is their own delegate")
        return self

    @model_validator(mode="after")
    def _within_bounds(self) -> Delegation:
        if Purpose.EMERGENCY in self.purposes:
            raise ValueError("an emergency cannot be delegated")
        if not timedelta() < self.valid_until - self.valid_from <= LONGEST_DELEGATION:
            raise ValueError(f"must end after it begins, and last at most {LONGEST_DELEGATION.days} days")
        if self.at >= self.valid_until:
            raise ValueError("must be signed before it ends")
        return self

    def holds_at(self, moment: datetime) -> bool:
        """Whether `moment` (aware) lies in the time for which this was given."""
        return self.valid_from <= moment < self.valid_until

    def beyond(self, purpose: Purpose, labels: Set[Information | Sensitivity]) -> frozenset[str]:
        """The words of a letter, its purpose among them, that this does not give; none: the letter is within it."""
        given = self.purposes | self.information | self.sensitivity
        return frozenset(str(word) for word in {purpose, *labels} - given)

    def encode(self) -> bytes:
        """One line of JSON, the exact bytes that are signed as `SignedKind.DELEGATION`."""
        members = self.model_dump(mode="json")
        for name in ("purposes", "information", "sensitivity"):
            members[name] = sorted(members[name])
        return json.dumps(members, separators=(",", ":"), ensure_ascii=True).encode("ascii")


@dataclass(frozen=True)
class SignedDelegation:
    """The exact bytes of a delegation and the hybrid signature of the delegator's device over them."""

    line: bytes
    signature: bytes

    @property
    def digest(self) -> Sha256:
        """SHA-256 of the line, in lower-case hexadecimal."""
        return hashlib.sha256(self.line).hexdigest()


def unverified_delegation(line: bytes) -> Delegation:
    """Read a line, whoever signed it: whose key to check it with stands in it. Raises `DelegationError`."""
    try:
        return parse_line(Delegation, line, MAX_DELEGATION_BYTES)
    except LineError as error:
        raise DelegationError(f"{error.field or 'delegation'}: {error.detail}") from None


def read_delegation(signed: SignedDelegation, signing_key: HybridPublicKey) -> Delegation:
    """Read a delegation and check its signature by `signing_key`, the device's. Raises `DelegationError`."""
    delegation = unverified_delegation(signed.line)
    try:
        signing_key.verify(SignedKind.DELEGATION, signed.line, signed.signature)
    except SignatureError as error:
        raise DelegationError(str(error)) from None
    return delegation


__all__ = [
    "LONGEST_DELEGATION",
    "MAX_DELEGATION_BYTES",
    "Delegation",
    "DelegationError",
    "SignedDelegation",
    "read_delegation",
    "unverified_delegation",
]
