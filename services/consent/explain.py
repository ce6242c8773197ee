"""Explaining a decision before it is taken: would this letter go, and if not, what would have to be mended?

Owns what is gathered for it, and for whom. Refuses to tell of a consent to anyone who is no party of it: to them a
patient without consents, a consent between others and an unknown token read the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from concord_formats.vocabulary import Information, Purpose, Sensitivity

from . import declined, records, refusals, restrictions, texts
from .deps import Collaborators
from .models import ConsentRow
from .rules import explain as rules
from .rules.explain import Candidate, Explanation, Letter
from .rules.lifecycle import Status
from .rules.standing import Member

# Nearest first: what is further from covering the letter helps nobody. A permit always comes first.
MAX_REASONS = 20


@dataclass(frozen=True)
class Question:
    """What would be sent to whom, about whom, and why."""

    patient: str
    to: UUID
    purpose: Purpose
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]


@dataclass(frozen=True)
class Told:
    """The explanation, and whether the patient's word stands that the caller's organization is not to coordinate."""

    explanation: Explanation
    declined: bool


def explain(with_: Collaborators, member: Member, question: Question) -> Told:
    """Whether the caller's letter would go now. Raises problems 422 `unknown-party` and 503."""
    letter = _letter(with_, member, question)
    with with_.database.transaction() as session:
        own = records.own_of_patient(session, member, question.patient)
        candidates = [each for row in own for each in _candidates(row)]
        # Restrictions of others speak against nobody's letter but theirs: `holds_back` asks for the sender's own side.
        withheld = restrictions.withheld_of(session, question.patient)
        told = rules.explain(letter, candidates, withheld, with_.clock.now())
        refused = declined.stands(session, member, question.patient, letter.recipient)
    return Told(replace(told, judgements=told.judgements[:MAX_REASONS]), refused)


def _letter(with_: Collaborators, member: Member, question: Question) -> Letter:
    found = with_.parties.affiliation(question.to)
    if found is None:
        raise refusals.unknown_party("to")
    labels = question.information, question.sensitivity
    return Letter(question.patient, member, found.member, found.active, question.purpose, *labels)


def _candidates(row: ConsentRow) -> Iterator[Candidate]:
    """The versions that a letter could come under: the one in force, or else the newest; and a draft beside it."""
    in_force = records.in_status(row, Status.ACTIVE)
    draft = records.in_status(row, Status.DRAFT)
    for version in [each for each in (in_force, draft) if each] or row.versions[-1:]:
        yield Candidate(row.id, version.number, Status(version.status), texts.text_of(row, version))
