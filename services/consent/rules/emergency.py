"""When a release without consent may be declared, and who reviews it.

Owns the limits, the reviewers and the outcomes. Refuses to judge whether there was an emergency: the sender does, at
once and under their own name, and a reviewer afterwards. Source: 42 CFR 2.51; 45 CFR 164.510(b)(3), 164.512(j).
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

# The one letter has to be fetched in this time; the gate stands at every hand-out.
OPEN_FOR = timedelta(days=3)
# A night on call may have several; more than these are no exception any more.
MAX_A_DAY = 5
# What was not reviewed in this time stops its sender from declaring another: what nobody looks at becomes a habit.
REVIEW_WITHIN = timedelta(days=7)
# Two services' clocks in one deployment differ by less: the letter that follows at once must not come too early.
CLOCKS_DIFFER = timedelta(minutes=1)


class Outcome(StrEnum):
    """What a reviewer found."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not-justified"
    FOLLOW_UP = "follow-up"


# Roles in the directory; an administrator stands in where an organization has no privacy officer.
REVIEWERS = frozenset({"privacy-officer", "administrator"})


class HabitError(ValueError):
    """No further emergency can be declared; `detail` says why and what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def check_limits(declared_today: int, overdue: int) -> None:
    """Refuse what is a habit. `declared_today`: in the last 24 hours; `overdue`: unreviewed for too long.

    Raises `HabitError`.
    """
    if overdue:
        raise HabitError(
            f"{overdue} of your emergency releases wait for a review since more than {REVIEW_WITHIN.days} days. "
            "Have your privacy officer review them first; meanwhile, call the recipient."
        )
    if declared_today >= MAX_A_DAY:
        raise HabitError(f"You declared {declared_today} emergencies in 24 hours. Call the recipient instead.")


def may_review(role: str) -> bool:
    """Whether somebody with this role in the directory reviews their organization's emergencies."""
    return role in REVIEWERS
