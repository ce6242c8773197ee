"""The directory's calls about recovery cases: of administrators, of an account's owner, and of who has a case's code.

Owns their shapes. Refuses to judge what it fetches: entries and attestations are checked by `concord.recovery_cases`. A
case's secret goes in a body, never in an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.attestations import SignedAttestation
from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import SignatureError, from_base64url, to_base64url

from ..errors import BadHistoryError
from ..transport import Transport
from .shapes import Answer, readable
from .single_sign_on import confirmed

_PATH = "/directory/v1/recovery-cases"


class OpenedCase(Answer):
    """A case that was opened: `code` goes to the person on a way that only they can read. It is shown this once."""

    case: UUID
    code: str
    expires_at: datetime


class Signed(Answer):
    """One attestation: exact bytes and signature, both base64url."""

    line: str
    signature: str

    def signed(self) -> SignedAttestation:
        """As bytes. Raises `SignatureError`."""
        return SignedAttestation(from_base64url(self.line), from_base64url(self.signature))


class RecoveryCase(Answer):
    """A case. `state` is opened, entered, attested, announced, refused, completed or expired; `ending` says why it was
    refused: objected or overtaken.
    """

    case: UUID
    account: UUID
    state: str
    expires_at: datetime
    entry: str | None = None
    signature: str | None = None
    attestations: tuple[Signed, ...] = ()
    effective_from: datetime | None = None
    ending: str | None = None

    def waiting(self) -> SignedEntry | None:
        """The entry that waits, unchecked. Raises `SignatureError`."""
        if self.entry is None or self.signature is None:
            return None
        return SignedEntry(from_base64url(self.entry), from_base64url(self.signature))


class Completion(Answer):
    """Where a completion stands: `revoking` until no old device is served anywhere any more."""

    state: str
    effective_from: datetime | None = None
    entry: int | None = None


@dataclass(frozen=True)
class CaseHistory:
    """The account's key history as its case's secret opens it, oldest first, unchecked; and where the case stands."""

    state: str
    history: tuple[SignedEntry, ...]
    effective_from: datetime | None


class RecoveryCasesApi:
    """Calls to `/directory` about recovery cases."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(self, practitioner: UUID) -> OpenedCase:
        """As an administrator: open a case for somebody else of one's organization."""
        body = {"practitioner": str(practitioner)}
        answer = self._transport.json("POST", _PATH, json=body)
        with readable():
            return OpenedCase.model_validate(answer)

    def cases(self) -> list[RecoveryCase]:
        """The cases of one's organization, for an administrator; else those of one's own account."""
        answer = self._transport.json("GET", _PATH)
        with readable():
            return [RecoveryCase.model_validate(each) for each in answer["cases"]]

    def attest(self, case: UUID, signed: SignedAttestation) -> RecoveryCase:
        """Vouch for the keys that wait. Raises `ServiceError` (`already-attested`, `invalid-attestation` …)."""
        body = {"line": to_base64url(signed.line), "signature": to_base64url(signed.signature)}
        answer = self._transport.json("POST", f"{_PATH}/{case}/attestations", json=body)
        with readable():
            return RecoveryCase.model_validate(answer)

    def refuse(self, case: UUID) -> RecoveryCase:
        """Stop a case."""
        answer = self._transport.json("DELETE", f"{_PATH}/{case}")
        with readable():
            return RecoveryCase.model_validate(answer)

    def attestations(self, practitioner: UUID) -> Mapping[int, list[SignedAttestation]]:
        """What was attested to the recovered entries of an account, by the entry's number. Raises `BadHistoryError`."""
        answer = self._transport.json("GET", f"/directory/v1/practitioners/{practitioner}/keys")
        try:
            given = answer.get("attestations", {})
            return {int(n): [Signed.model_validate(each).signed() for each in two] for n, two in given.items()}
        except (ValueError, TypeError, AttributeError):
            raise BadHistoryError(f"the attestations of {practitioner} cannot be read") from None

    def history(self, case: UUID, secret: str) -> CaseHistory:
        """Without a device: the history that new keys go on from. Raises `ServiceError` (`case-code-refused` …)."""
        answer = self._by_code(case, "history", secret)
        try:
            entries = tuple(
                SignedEntry(from_base64url(each["entry"]), from_base64url(each["signature"]))
                for each in answer["entries"]
            )
        except (SignatureError, KeyError, TypeError):
            raise BadHistoryError("the account's key history cannot be read") from None
        with readable():
            since = answer.get("effective_from")
            return CaseHistory(str(answer["state"]), entries, datetime.fromisoformat(since) if since else None)

    def enter(self, case: UUID, secret: str, signed: SignedEntry) -> str:
        """Without a device: new keys, whose entry waits. Where the case stands now."""
        body = {"entry": to_base64url(signed.entry), "signature": to_base64url(signed.signature)}
        answer = self._by_code(case, "entry", secret, body)
        with readable():
            return str(answer["state"])

    def complete(self, case: UUID, secret: str, account: UUID, waiting: SignedEntry) -> Completion:
        """Without a device: bring the new keys in force, once the delay is over. Again: waits again."""
        by = {"purpose": "recovery-case", "practitioner": str(account), "case": str(case), "secret": secret}
        answer = confirmed(self._transport, waiting, by, lambda: self._by_code(case, "completion", secret))
        with readable():
            return Completion.model_validate(answer)

    def _by_code(self, case: UUID, what: str, secret: str, body: Mapping[str, str] | None = None) -> Any:
        return self._transport.anonymous("POST", f"{_PATH}/{case}/{what}", json={"secret": secret, **(body or {})})


__all__ = ["CaseHistory", "Completion", "OpenedCase", "RecoveryCase", "RecoveryCasesApi"]
