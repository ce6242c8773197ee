"""From a consent's words to the gate's, through everything that stands between them in a deployment.

Owns the chain: the text is compiled, told as a fact, stored as messaging stores it, read again, and judged. Refuses
short cuts: no test below writes a grant by hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.address import Address
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from services.consent.rules.elements import IncompleteError
from services.consent.rules.explain import Candidate, Explanation, Letter, explain
from services.consent.rules.grants import as_fact, compile_grants
from services.consent.rules.lifecycle import Status
from services.consent.rules.restrictions import Withheld
from services.consent.rules.standing import Member
from services.consent.rules.terms import Text
from services.messaging import facts
from services.messaging.rules import Consent, Device, Facts, Party, Permit, Person, Reason, Refusal, decide
from services.messaging.rules import Status as Followed
from tests.unit.consent.examples import NOW, PATIENT, PHYSICIAN, PSYCHOLOGIST, text

CONSENT, DEVICE, LETTER = UUID(int=0xD1), UUID(int=0xD2), UUID(int=0xD3)
USUAL = Letter(
    patient=PATIENT,
    sender=PHYSICIAN,
    recipient=PSYCHOLOGIST,
    recipient_active=True,
    purpose=Purpose.TREATMENT,
    information=frozenset({Information.DIAGNOSES}),
    sensitivity=frozenset({Sensitivity.GENERAL}),
)


@dataclass(frozen=True)
class Case:
    """One letter, one version of one consent, what is withheld of the patient, and the time."""

    letter: Letter = USUAL
    text: Text = field(default_factory=text)
    status: Status = Status.ACTIVE
    withheld: tuple[Withheld, ...] = ()
    now: datetime = NOW

    @property
    def candidate(self) -> Candidate:
        """The version as the explanation takes it."""
        return Candidate(CONSENT, 1, self.status, self.text)

    def gate(self) -> Permit | Refusal:
        """What the gate says to the letter."""
        return gate(self.letter, self.candidate, self.withheld, self.now)

    def reason(self) -> Reason | None:
        """Why the gate refuses, or None."""
        decision = self.gate()
        return decision.reason if isinstance(decision, Refusal) else None

    def explained(self) -> Explanation:
        """What the explanation says of it."""
        return explain(self.letter, [self.candidate], self.withheld, self.now)

    def of_letter(self, **changed: Any) -> Case:
        """The same with another letter."""
        return replace(self, letter=replace(self.letter, **changed))

    def of_terms(self, **changed: Any) -> Case:
        """The same under other terms."""
        return replace(self, text=replace(self.text, terms=replace(self.text.terms, **changed)))


def gate(letter: Letter, candidate: Candidate, withheld: Sequence[Withheld], now: datetime) -> Permit | Refusal:
    """The gate's word on a letter that cites this version."""
    return decide(facts_of(letter, candidate, withheld), now)


def facts_of(letter: Letter, candidate: Candidate, withheld: Sequence[Withheld]) -> Facts:
    """All that the gate knows of a letter."""
    sender, actor = person(letter.sender), letter.sender.practitioner
    recipient = person(letter.recipient, Followed.ACTIVE if letter.recipient_active else Followed.SUSPENDED)
    device = Device(DEVICE, actor, Followed.ACTIVE)
    return Facts(address_of(letter, candidate), sender, recipient, actor, device, followed(candidate, withheld))


def address_of(letter: Letter, candidate: Candidate) -> Address:
    """The address of a letter that cites a version."""
    return Address(
        v=1,
        letter=LETTER,
        sender=letter.sender.practitioner,
        device=DEVICE,
        recipients=(letter.recipient.practitioner,),
        patient=letter.patient,
        consent=candidate.consent,
        consent_version=candidate.version,
        purpose=letter.purpose,
        information=letter.information,
        sensitivity=letter.sensitivity,
        thread=LETTER,
        sealed_at=NOW,
    )


def followed(candidate: Candidate, withheld: Sequence[Withheld]) -> Consent | None:
    """The consent as messaging knows it: nothing of a draft, and of a superseded version the next one."""
    if candidate.status is Status.DRAFT:
        return None
    terms = candidate.text.terms
    version = candidate.version + (candidate.status is Status.SUPERSEDED)
    status = Followed.REVOKED if candidate.status is Status.REVOKED else Followed.ACTIVE
    parties = tuple(Party(each.kind, each.id) for each in terms.parties)
    return Consent(candidate.consent, version, status, terms.patient, parties, granted(candidate.text, withheld))


def granted(whole: Text, withheld: Sequence[Withheld]) -> tuple[Any, ...]:
    """The grants of a text that is in force, as messaging reads them from its own row."""
    try:
        compiled = compile_grants(whole, withheld)
    except IncompleteError:
        compiled = ()
    # Over the bus, and into the row.
    told = json.loads(json.dumps([as_fact(each) for each in compiled]))
    return facts._read_grants(facts.grants_text(told))


def person(member: Member, status: Followed = Followed.ACTIVE) -> Person:
    """A member as messaging knows them."""
    return Person(member.practitioner, member.organization, status)
