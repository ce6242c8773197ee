"""In which order colleagues are shown who answer a question.

Owns how well a name answers the words that were asked for, and what comes before what. Refuses to look anything up:
candidates come as arguments, the same from every database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from uuid import UUID

from rapidfuzz.distance import OSA

# A word that was asked for may have one letter wrong from four letters on, and a further one with every four more.
_LETTERS_A_TYPO = 4
# A beginning of a word is taken for the word from so many letters on, or as an initial.
_SHORTEST_BEGINNING = 3
# Distances within the middles of postal codes mean nothing: these kilometres are one step.
STEP_KM = 5.0

EXACT, BEGINNING, TYPO = 0, 1, 2


@dataclass(frozen=True)
class Candidate:
    """What is known of an entry that may answer. `words` are those of its name, `others` those of its organization."""

    id: UUID
    words: str
    others: str
    enrolled: bool
    stale: bool
    accepting: bool | None
    distance_km: float | None


@dataclass(frozen=True)
class Asked:
    """Words that must answer: of the name, of the organization, or of either."""

    name: tuple[str, ...] = ()
    organization: tuple[str, ...] = ()
    either: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.name or self.organization or self.either)


@dataclass(frozen=True, order=True)
class Match:
    """How well words answer: exactly, by their beginnings or with letters wrong; how many of them stand only in the
    name of the organization; how many letters are wrong.
    """

    kind: int = EXACT
    elsewhere: int = 0
    wrong: int = 0

    def and_(self, other: Match) -> Match:
        """Both together."""
        return Match(max(self.kind, other.kind), self.elsewhere + other.elsewhere, self.wrong + other.wrong)


Matched = tuple[Match, Candidate]


def in_order(matched: Iterable[Matched]) -> list[Candidate]:
    """Those of whom it is known how well they answer, the best first.

    Exact names before others, enrolled before not, confirmed before stale, nearer before farther, accepting before
    unknown before not; then shorter names, and an order that stays.
    """
    return [each for _, each in sorted(matched, key=lambda both: _key(*both))]


def _key(found: Match, each: Candidate) -> tuple[object, ...]:
    far = each.distance_km if each.distance_km is not None else float("inf")
    near = round(far / STEP_KM) if each.distance_km is not None else float("inf")
    accepting = {True: 0, None: 1, False: 2}[each.accepting]
    return (found, not each.enrolled, each.stale, near, accepting, far, len(each.words), each.words, each.id.bytes)


def match(candidate: Candidate, asked: Asked) -> Match | None:
    """How well a candidate answers, None when it does not."""
    if not asked:
        return _EXACTLY
    name, others = candidate.words.split(), candidate.others.split()
    found = [_best(word, name) for word in asked.name]
    found += [_best(word, others) for word in asked.organization]
    found += [_either(word, name, others) for word in asked.either]
    known = [each for each in found if each is not None]
    return reduce(Match.and_, known, Match()) if len(known) == len(found) else None


_EXACTLY = Match()


def _either(word: str, name: Sequence[str], others: Sequence[str]) -> Match | None:
    elsewhere = _best(word, others)
    both = (_best(word, name), elsewhere and replace(elsewhere, elsewhere=1))
    return min((each for each in both if each), default=None)


def _best(word: str, among: Sequence[str]) -> Match | None:
    if word in among:
        return Match()
    if (len(word) >= _SHORTEST_BEGINNING or len(word) == 1) and any(each.startswith(word) for each in among):
        return Match(BEGINNING)
    most = len(word) // _LETTERS_A_TYPO
    wrong = min((OSA.distance(word, each, score_cutoff=most) for each in among), default=most + 1)
    return Match(TYPO, wrong=wrong) if wrong <= most else None


__all__ = [
    "BEGINNING",
    "EXACT",
    "STEP_KM",
    "TYPO",
    "Asked",
    "Candidate",
    "Match",
    "Matched",
    "in_order",
    "match",
]
