"""The statement: what the sender signs, inside the seal.

Owns its shape, its strict reading from exact bytes, and its comparison with the address that the letter came under.
Refuses to canonicalise: the bytes that were signed are the bytes that are read. Specified in `spec/letter.md`,
"Statement".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Self
from uuid import UUID

from concord_formats.address import MAX_RECIPIENTS, Address, PatientToken, address_digest
from concord_formats.delegations import MAX_DELEGATION_BYTES, SignedDelegation
from concord_formats.key_entries import KeyEntry
from concord_formats.lines import LineError, parse_line
from concord_formats.scalars import FormatVersion, Id, Moment, Sha256
from concord_formats.signatures import from_base64url, to_base64url
from concord_formats.vocabulary import Information, LabelReason, Purpose, Sensitivity
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ..errors import MalformedLetterError, StatementMismatchError
from .scope import ConsentScope, Notice

# Twenty recipients of 160 bytes, a signing key of 2.6 KiB, a scope of 1.5 KiB, a proof of 8 KiB (more, as JSON writes
# it), a delegation of 7 KiB and the members of an address: a longer one is not ours.
MAX_STATEMENT_BYTES = 48 * 1024
# A path of twenty hashes, a checkpoint with two signatures and a binding are some two KiB.
MAX_PROOF_CHARACTERS = 8 * 1024
# Of plaintext. The services take 272 MiB of a whole letter, which leaves room for the seal.
MAX_BODY_BYTES = 256 * 1024 * 1024

# RFC 6838, section 4.2, with parameters as in RFC 9110, section 8.3.1, unquoted: never a line feed.
MEDIA_TYPE_PATTERN = (
    r"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
    r"(; ?[A-Za-z0-9_-]{1,40}=[A-Za-z0-9!#$&^_.+-]{1,80}){0,4}$"
)


class StatementRecipient(BaseModel):
    """A person the sender sealed to, and SHA-256 of the text of the encryption key that was used (hexadecimal)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    practitioner: Id
    encryption: Sha256


class StatementBody(BaseModel):
    """The document: its media type, its size in bytes, SHA-256 of its bytes (hexadecimal)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Annotated[str, StringConstraints(pattern=MEDIA_TYPE_PATTERN)]
    size: Annotated[int, Field(strict=True, ge=0, le=MAX_BODY_BYTES)]
    sha256: Sha256


class DelegationProof(BaseModel):
    """The delegation that a letter is sent under: its exact line and the delegator's signature, both in base64url."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    line: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=-(-MAX_DELEGATION_BYTES * 4 // 3))]
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43,4498}$")]

    @classmethod
    def of(cls, signed: SignedDelegation) -> Self:
        """As it travels."""
        return cls(line=to_base64url(signed.line), signature=to_base64url(signed.signature))

    def signed(self) -> SignedDelegation:
        """As bytes. Raises `SignatureError`."""
        return SignedDelegation(from_base64url(self.line), from_base64url(self.signature))


Label = Information | Sensitivity


@dataclass(frozen=True)
class Enclosed:
    """What a statement says beside the address: the consent's scope, the notice, the labels that were left out, the
    proof that the sender's keys stand in the key log (`concord_formats.log_proof`), and the delegation under which it
    is sent in somebody else's name.
    """

    scope: ConsentScope | None = None
    notice: str | None = None
    labels_left_out: frozenset[Label] = frozenset()
    key_log: str | None = None
    delegation: SignedDelegation | None = None


class Statement(BaseModel):
    """What a sender signs of one letter; `signing_key` is the device's hybrid public key in base64url.

    `labels_left_out` were found in the document and not declared, and `label_reason` says why: one is not there
    without the other. `key_log` is a tlog-proof of the sender's newest binding; it is read when a letter is opened.
    `delegation_proof` is what lets the sender write in the name of `on_behalf_of`; see `letter.delegated`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: FormatVersion
    letter: Id
    sender: Id
    device: Id
    signing_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43,4096}$")]
    on_behalf_of: Id | None = None
    delegation: Id | None = None
    delegation_proof: DelegationProof | None = None
    recipients: Annotated[tuple[StatementRecipient, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    team: Id | None = None
    patient: PatientToken
    consent: Id
    consent_version: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    purpose: Purpose
    information: Annotated[frozenset[Information], Field(min_length=1)]
    sensitivity: Annotated[frozenset[Sensitivity], Field(min_length=1)]
    label_reason: LabelReason | None = None
    labels_left_out: Annotated[frozenset[Label], Field(min_length=1)] | None = None
    scope: ConsentScope | None = None
    notice: Notice | None = None
    key_log: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROOF_CHARACTERS)] | None = None
    thread: Id
    reply_to: Id | None = None
    address_sha256: Sha256
    body: StatementBody
    sealed_at: Moment

    @model_validator(mode="after")
    def _labels_agree(self) -> Self:
        if (self.label_reason is None) != (self.labels_left_out is None):
            raise ValueError("labels left out and the reason for it stand together or not at all")
        if self.labels_left_out and self.labels_left_out & (self.information | self.sensitivity):
            raise ValueError("a label is declared and left out at once")
        return self

    @model_validator(mode="after")
    def _delegation_is_whole(self) -> Self:
        if len({part is None for part in (self.on_behalf_of, self.delegation, self.delegation_proof)}) > 1:
            raise ValueError("in whose name, by which delegation and its proof stand together or not at all")
        return self

    def encode(self) -> bytes:
        """The statement as one line of JSON, the exact bytes that are signed."""
        members = self.model_dump(mode="json", exclude_none=True)
        for part in (members, members.get("scope", {})):
            _sort_sets(part)
        return json.dumps(members, separators=(",", ":"), ensure_ascii=True).encode("ascii")

    def names(self, reader: UUID, encryption_digests: frozenset[str]) -> bool:
        """Whether the sender sealed to this reader, by one of these keys."""
        return any(each.practitioner == reader and each.encryption in encryption_digests for each in self.recipients)


def _sort_sets(members: dict[str, Any]) -> None:
    for name in ("information", "sensitivity", "purposes", "labels_left_out"):
        if name in members:
            members[name] = sorted(members[name])


# The members that statement and address share and must agree on.
_SHARED = (
    *("letter", "sender", "device", "on_behalf_of", "delegation", "team"),
    *("patient", "consent", "consent_version", "purpose"),
    *("information", "sensitivity", "label_reason", "thread", "reply_to", "sealed_at"),
)


def state(
    address: Address,
    address_line: bytes,
    signing_key: str,
    recipients: dict[UUID, KeyEntry],
    body: StatementBody,
    enclosed: Enclosed,
) -> Statement:
    """The statement of a letter; `recipients` holds an entry for each recipient of the address.

    Raises `pydantic.ValidationError` when what is enclosed does not fit.
    """
    named = [
        StatementRecipient(practitioner=person, encryption=encryption_digest(recipients[person].encryption))
        for person in address.recipients
    ]
    shared = {name: getattr(address, name) for name in _SHARED}
    return Statement(
        v=1,
        **shared,
        signing_key=signing_key,
        recipients=tuple(named),
        address_sha256=address_digest(address_line),
        body=body,
        scope=enclosed.scope,
        notice=enclosed.notice,
        labels_left_out=enclosed.labels_left_out or None,
        key_log=enclosed.key_log,
        delegation_proof=DelegationProof.of(enclosed.delegation) if enclosed.delegation else None,
    )


def encryption_digest(recipient: str) -> str:
    """How a statement names an encryption key: SHA-256 of its `age1pq1…` text, in lower-case hexadecimal."""
    return hashlib.sha256(recipient.encode("ascii")).hexdigest()


def parse_statement(line: bytes) -> Statement:
    """Read the exact bytes of a statement. Raises `MalformedLetterError`."""
    try:
        return parse_line(Statement, line, MAX_STATEMENT_BYTES)
    except LineError as error:
        raise MalformedLetterError(f"the letter's statement cannot be read: {error}") from None


def check_address(statement: Statement, address: Address, address_line: bytes) -> None:
    """Raises `StatementMismatchError` that names the first member in which address and statement differ."""
    for name in _SHARED:
        if getattr(statement, name) != getattr(address, name):
            raise StatementMismatchError(name)
    if tuple(each.practitioner for each in statement.recipients) != address.recipients:
        raise StatementMismatchError("recipients")
    if statement.address_sha256 != address_digest(address_line):
        raise StatementMismatchError("address_sha256")


__all__ = [
    "MAX_BODY_BYTES",
    "MAX_PROOF_CHARACTERS",
    "MAX_STATEMENT_BYTES",
    "DelegationProof",
    "Enclosed",
    "Label",
    "Statement",
    "StatementBody",
    "StatementRecipient",
    "check_address",
    "encryption_digest",
    "parse_statement",
    "state",
]
