"""Consents as a clinician handles them: draft with the signed form, accept one's own side, show, revoke.

Owns the sealing of the signed form to the parties and the waiting for a revocation's effect. Refuses to accept a form
unread: accepting fetches the sealed form, opens it, checks its digest and hands it to the caller.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from concord_formats.vocabulary import ConsentType, FormLanguage, FormStatement

from .address_book import AddressBook
from .age import decrypt_bytes, encrypt_bytes, parse_recipient
from .api import Attestation, Consent, ConsentApi, ConsentVersion, Disclosure, Party, Terms
from .colleagues import Colleagues
from .errors import EvidenceError, RevocationPendingError
from .forms import statements_in
from .own_keys import OwnKeys

# A revocation takes effect within lease and deadline (6 s) of the services' own; this leaves room for a slow network.
REVOCATION_WAIT_SECONDS = 30.0
# The consent service takes no longer window than five years, of which at most two are leap years.
MAX_DAYS = 5 * 365 + 1


@dataclass(frozen=True)
class Form:
    """The form that was signed: its bytes, and what is attested of it."""

    content: bytes
    attested: Attestation

    @classmethod
    def concord(
        cls, content: bytes, type_: ConsentType, signed_on: date, method: str, *, copy_given: bool, **more: Any
    ) -> Form:
        """Concord's own form, as `concord.forms` prints it: it carries every statement that its type takes.

        `more` are further members of `Attestation`.
        """
        statements = sorted(statements_in(type_))
        said = {"form": "concord", "language": FormLanguage.ENGLISH, "statements": statements} | more
        return cls(content, Attestation(signed_on=signed_on, method=method, copy_given=copy_given, **said))

    @classmethod
    def own(
        cls, content: bytes, signed_on: date, method: str, statements: Iterable[FormStatement], **more: Any
    ) -> Form:
        """The practice's own form; `statements` are those that one read in it."""
        said = {"form": "own", "language": FormLanguage.OTHER, "statements": list(statements)} | more
        return cls(content, Attestation(signed_on=signed_on, method=method, **said))


@dataclass(frozen=True)
class Revocation:
    """When a consent was revoked, and since when no letter can leave under it any more."""

    consent: UUID
    revoked_at: datetime
    effective_at: datetime


class Consents:
    """The consents that one is a party to."""

    def __init__(self, api: ConsentApi, colleagues: Colleagues, book: AddressBook, own: OwnKeys) -> None:
        self.api = api
        self._colleagues = colleagues
        self._book = book
        self._own_keys = own

    def draft(self, terms: Terms, version_of: UUID | None = None) -> Consent:
        """Draft a consent, or the next version of one. Nothing may leave under it yet."""
        return self.api.draft_version(version_of, terms) if version_of else self.api.draft(terms)

    def create(self, terms: Terms, form: Form, version_of: UUID | None = None) -> Consent:
        """Draft a consent, or the next version of one, and store the signed form, sealed to every party."""
        sealed = self._seal(terms, form)
        drafted = self.draft(terms, version_of)
        return self.api.attach_evidence(drafted.id, drafted.latest.version, sealed, form.attested)

    def attach(self, consent: UUID, form: Form) -> Consent:
        """Store the signed form of a draft, in the place of any before."""
        draft = self.api.consent(consent).latest
        sealed = self._seal(draft, form)
        return self.api.attach_evidence(consent, draft.version, sealed, form.attested)

    def end(self, consent: UUID) -> Consent:
        """Record that the event came on which the version in force expires."""
        return self.api.end(consent, self.in_force(consent).version)

    def read_form(self, consent: UUID) -> bytes:
        """The signed form of the newest version, opened. Raises `EvidenceError` when it is not what the record says."""
        version = self.api.consent(consent).latest
        if version.evidence is None:
            raise EvidenceError("no signed form is attached yet")
        sealed = self.api.evidence(consent, version.version)
        if hashlib.sha256(sealed).hexdigest() != version.evidence.sha256:
            raise EvidenceError("the stored form is not the one on record")
        return self._own_keys.opening(lambda identities: decrypt_bytes(sealed, identities))

    def accept(self, consent: UUID) -> Consent:
        """Accept the direction that is one's own to accept, on the form as stored, and put a draft in force."""
        self.read_form(consent)  # what cannot be opened and checked is not accepted
        version = self.api.consent(consent).latest
        assert version.evidence is not None  # noqa: S101 - read_form has just read it
        accepted = self.api.accept(consent, version.version, version.evidence.sha256)
        if accepted.latest.status == "draft":
            return self.api.activate(consent, version.version)
        return accepted

    def show(self, consent: UUID, delegation: UUID | None = None) -> Consent:
        """One consent; of a colleague who gave one this `delegation`, also theirs."""
        return self.api.consent(consent, delegation)

    def list(self, patient: str | None = None) -> Iterator[Consent]:
        """Every consent that one is a party to, or those of one patient (alias or token)."""
        token = self._book.token(patient) if patient else None
        return (consent for consent in self.api.consents() if token in (None, consent.patient))

    def disclosures(self, consent: UUID) -> Iterator[Disclosure]:
        """What was released, refused, handed out and opened under a consent."""
        return self.api.disclosures(consent)

    def revoke(self, consent: UUID, *, wait: float = REVOCATION_WAIT_SECONDS) -> Revocation:
        """Revoke, and wait until no letter can leave any more.

        Raises `RevocationPendingError` when that could not be confirmed within `wait` seconds; the revocation stands
        all the same.
        """
        end = time.monotonic() + wait
        while True:
            answer = self.api.revoke(consent)
            if answer["status"] == "revoked":
                moments = (datetime.fromisoformat(answer[name]) for name in ("revoked_at", "effective_at"))
                return Revocation(consent, *moments)
            if time.monotonic() >= end:
                raise RevocationPendingError(consent)
            time.sleep(0.25)

    def in_force(self, consent: UUID) -> ConsentVersion:
        """The version that a letter would cite: the active one, else the newest, whose refusal then says why."""
        return self.api.consent(consent).cited

    def _seal(self, terms: Terms | ConsentVersion, form: Form) -> bytes:
        people = self._colleagues.members((terms.discloser, terms.recipient))
        if self._colleagues.me not in people:
            people.append(self._colleagues.me)
        entries = self._colleagues.entries(people)
        recipients = [parse_recipient(entries[person].encryption) for person in people]
        return encrypt_bytes(form.content, recipients)


def other_side(version: ConsentVersion, colleagues: Colleagues, person: UUID | None = None) -> list[Party]:
    """The parties to whom one may disclose under a version, or `person` in whose name one writes: the recipients of the
    directions that are one's own, or theirs.
    """
    return [way.recipient for way in version.directions if colleagues.is_side_of(way.discloser, person)]
