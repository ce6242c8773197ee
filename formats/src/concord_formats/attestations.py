"""Attestations: one administrator's signed word that a recovered identity is that of the person it claims to be.

Owns the shape, the closed list of ways in which somebody was recognised, and the check of the signature. Refuses to say
whether the attestor was an administrator, or had that device then: that is in the directory and in the attestor's own
key history. Specified in `spec/keys.md`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, model_validator

from .lines import LineError, parse_line
from .scalars import FormatVersion, Id, Moment, Sha256
from .signatures import HybridPublicKey, SignatureError, SignedKind

# Ours are below 400 bytes.
MAX_ATTESTATION_BYTES = 1024


class AttestationError(ValueError):
    """An attestation is malformed, or was not signed by this key."""


class Proof(StrEnum):
    """How the attestor recognised the person; a message or a mail alone is none of these."""

    IN_PERSON = "in-person"
    VIDEO = "video"
    KNOWN_BY_VOICE = "known-by-voice"


class Attestation(BaseModel):
    """`attestor` says: the recovered entry with this digest (SHA-256 of its line) is that of the owner of `account`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    v: FormatVersion
    account: Id
    entry: Sha256
    attestor: Id
    device: Id
    how: Proof
    at: Moment

    @model_validator(mode="after")
    def _of_somebody_else(self) -> Attestation:
        if self.attestor == self.account:
            raise ValueError("nobody attests to themselves")
        return self

    def encode(self) -> bytes:
        """One line of JSON, the exact bytes that are signed as `SignedKind.ATTESTATION`."""
        return self.model_dump_json().encode("utf-8")


@dataclass(frozen=True)
class SignedAttestation:
    """The exact bytes of an attestation and the hybrid signature of the attestor's device over them."""

    line: bytes
    signature: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the line, in lower-case hexadecimal."""
        return hashlib.sha256(self.line).hexdigest()


def unverified_attestation(line: bytes) -> Attestation:
    """Read a line, whoever signed it: whose key to check it with stands in it. Raises `AttestationError`."""
    try:
        return parse_line(Attestation, line, MAX_ATTESTATION_BYTES)
    except LineError as error:
        raise AttestationError(f"{error.field or 'attestation'}: {error.detail}") from None


def read_attestation(signed: SignedAttestation, signing_key: HybridPublicKey) -> Attestation:
    """Read an attestation and check its signature by `signing_key`, a device's. Raises `AttestationError`."""
    attestation = unverified_attestation(signed.line)
    try:
        signing_key.verify(SignedKind.ATTESTATION, signed.line, signed.signature)
    except SignatureError as error:
        raise AttestationError(str(error)) from None
    return attestation


__all__ = [
    "MAX_ATTESTATION_BYTES",
    "Attestation",
    "AttestationError",
    "Proof",
    "SignedAttestation",
    "read_attestation",
    "unverified_attestation",
]
