"""What a listing says of itself, as a search reads it: one tag a value, `language:es`.

Owns their spelling. Refuses to judge what an owner says of themselves: that it is theirs stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from concord_formats.names import searchable

MAX_TAG = 80

SPECIALTY, LANGUAGE, PLAN, AGE = "specialty", "language", "plan", "age"
TELEHEALTH = "telehealth:yes"
ACCEPTING = "accepting:yes"
ENROLLED = "enrolled:yes"


@dataclass(frozen=True)
class Said:
    """What an owner says: NUCC codes, languages as BCP 47 subtags, ages, insurance plans, and yes, no or nothing."""

    specialties: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    ages: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    telehealth: bool | None = None
    accepting: bool | None = None


def tag(kind: str, value: str) -> str:
    """One tag. `value` is a code, or a plan as it is folded; a plan's is cut where a tag ends."""
    return f"{kind}:{value}"[:MAX_TAG]


def own_tag(each: str) -> str:
    """The tag that only entries of the enrolled have, for one that others may have too."""
    return f"own-{each}" if each.startswith(f"{SPECIALTY}:") else each


def plan_tag(plan: str) -> str:
    """The tag of an insurance plan, however it was written: `Blue-Cross` is `plan:blue cross`."""
    return tag(PLAN, searchable(plan))


def _plan_tags(plan: str) -> set[str]:
    """The tags of a plan and of its beginnings: who asks for Aetna finds Aetna PPO."""
    words = searchable(plan).split()
    return {tag(PLAN, " ".join(words[:end])) for end in range(1, len(words) + 1)}


def tags_of(said: Said, *, enrolled: bool) -> frozenset[str]:
    """Every tag of a listing."""
    found = {tag(SPECIALTY, code) for code in said.specialties}
    found |= {tag(LANGUAGE, code) for code in said.languages}
    found |= {tag(AGE, group) for group in said.ages}
    found = found.union(*(_plan_tags(plan) for plan in said.plans))
    flags = ((TELEHEALTH, said.telehealth), (ACCEPTING, said.accepting), (ENROLLED, enrolled))
    found |= {flag for flag, holds in flags if holds}
    return frozenset(found | set(map(own_tag, found))) if enrolled else frozenset(found)


@dataclass
class Sorted:
    """Tags by what they say."""

    values: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, tags: Iterable[str]) -> Sorted:
        """The values of each kind, in order."""
        made = cls()
        for each in sorted(tags):
            kind, _, value = each.partition(":")
            made.values.setdefault(kind, []).append(value)
        return made

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """The values of one kind."""
        return tuple(self.values.get(kind, ()))


__all__ = [
    "ACCEPTING",
    "AGE",
    "ENROLLED",
    "LANGUAGE",
    "MAX_TAG",
    "PLAN",
    "SPECIALTY",
    "TELEHEALTH",
    "Said",
    "Sorted",
    "own_tag",
    "plan_tag",
    "tag",
    "tags_of",
]
