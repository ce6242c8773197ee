"""Why a letter may go, or may not, told to the one who would send it: consent by consent, dimension by dimension.

Owns the comparison of a letter with what consents say. Refuses to open anything: the gate decides, on grants alone, and
this agrees with it on every letter (a property test runs both). Refuses as well to judge the sender's own account and
device, without which they would not be asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.vocabulary import Information, Purpose, Sensitivity

from . import mends
from .elements import ACCEPTANCE, missing_elements
from .fit import only_with
from .lifecycle import Status, shown
from .mends import Dimension, Missing
from .restrictions import Withheld
from .standing import Member
from .terms import Party, Text
from .window import has_ended


@dataclass(frozen=True)
class Letter:
    """A letter as it would be sent. `recipient_active`: whether the recipient's account is."""

    patient: str
    sender: Member
    recipient: Member
    recipient_active: bool
    purpose: Purpose
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]

    def is_held_back(self, withheld: Withheld) -> bool:
        """Whether a restriction speaks against it."""
        return withheld.holds_back(self.sender, self.recipient, self.information | self.sensitivity)


@dataclass(frozen=True)
class Candidate:
    """A version of a consent that might cover the letter, with its status as stored."""

    consent: UUID
    version: int
    status: Status
    text: Text


@dataclass(frozen=True)
class Judgement:
    """What one version covers of a letter, and what it lacks; nothing missing is a permit."""

    consent: UUID
    version: int
    status: Status
    covers: tuple[Dimension, ...]
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class Explanation:
    """Whether the letter may go, and what each consent comes to, nearest first.

    `restriction`: something that the sender's side agreed to withhold speaks against it.
    """

    permit: bool
    judgements: tuple[Judgement, ...]
    restriction: bool


def explain(
    letter: Letter, candidates: Iterable[Candidate], withheld: Sequence[Withheld], now: datetime
) -> Explanation:
    """Judge every candidate by itself: two that would cover a letter only together do not cover it."""
    restriction = any(map(letter.is_held_back, withheld))
    judged = [judge(letter, each, restriction, now) for each in candidates]
    nearest = tuple(sorted(judged, key=_distance))
    return Explanation(any(not each.missing for each in nearest), nearest, restriction)


def judge(letter: Letter, candidate: Candidate, restriction: bool, now: datetime) -> Judgement:
    """One version, by the direction of it that comes nearest."""
    text = candidate.text
    ways = [list(_of_way(letter, text, way)) for way in text.terms.ways]
    missing = (
        *_of_status(candidate),
        *min(ways, key=len),
        *_of_words(letter, text),
        *_of_window(text, now),
        *([mends.restriction()] if restriction else []),
    )
    absent = {each.dimension for each in missing}
    covers = tuple(each for each in _COVERED if each not in absent)
    return Judgement(candidate.consent, candidate.version, shown(candidate.status, text, now), covers, missing)


# The others are not covered by a consent: they speak against it, or they do not.
_COVERED = tuple(each for each in Dimension if each not in (Dimension.NOTES, Dimension.ELEMENT, Dimension.RESTRICTION))
_NEAREST = (Status.ACTIVE, Status.DEFICIENT, Status.EXPIRED, Status.DRAFT, Status.SUPERSEDED, Status.REVOKED)


def _distance(judged: Judgement) -> tuple[int, int, UUID, int]:
    """How far from a permit; what is in force is nearer than what is not."""
    return len(judged.missing), _NEAREST.index(judged.status), judged.consent, judged.version


def _of_status(candidate: Candidate) -> Iterator[Missing]:
    if candidate.status is not Status.ACTIVE:
        yield mends.status(candidate.status)
    if candidate.status in (Status.ACTIVE, Status.DRAFT):
        # An acceptance that is missing is told of the direction that lacks it.
        lacking = (each for each in missing_elements(candidate.text) if each.element != ACCEPTANCE)
        yield from (mends.element(each, candidate.text, candidate.status) for each in lacking)


def _of_way(letter: Letter, text: Text, way: tuple[Party, Party]) -> Iterator[Missing]:
    discloser, recipient = way
    if not letter.sender.is_party(discloser):
        yield mends.discloser(text.terms, discloser)
    elif not any(each.live(text.evidence) for each in text.directions if (each.discloser, each.recipient) == way):
        yield mends.acceptance(text.terms, discloser)
    if not letter.recipient.is_party(recipient):
        yield mends.recipient(text.terms, recipient)
    elif not letter.recipient_active:
        yield mends.suspended(letter.recipient.practitioner)


def _of_words(letter: Letter, text: Text) -> Iterator[Missing]:
    terms, notes = text.terms, only_with(text.terms)
    if terms.patient != letter.patient:
        yield mends.patient(terms)
    if letter.purpose not in terms.purposes:
        yield mends.purpose(terms, letter.purpose)
    for kind in sorted(letter.information - terms.information):
        yield mends.information(terms, kind)
    for label in sorted(letter.sensitivity - terms.sensitivity):
        yield mends.sensitivity(terms, label)
    if notes is not None and notes not in letter.sensitivity:
        yield mends.notes(notes)


def _of_window(text: Text, now: datetime) -> Iterator[Missing]:
    if text.ended_at is not None or has_ended(text.terms, now):
        yield mends.over(text.ended_at or text.terms.valid_until)
    elif now < text.terms.valid_from:
        yield mends.not_yet(text.terms)
