"""How old what a listing says may be.

Owns the ninety days. Refuses to remove anything: what is stale is shown as such, and its owner is asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

# No Surprises Act, 42 U.S.C. 300gg-115(a)(2)(A): a directory's entries are verified not less than once every 90 days.
GOOD_FOR = timedelta(days=90)


def is_stale(confirmed_at: datetime | None, now: datetime) -> bool:
    """Whether nobody has said within ninety days that a listing is right; one that nobody ever confirmed is stale."""
    return confirmed_at is None or now - confirmed_at > GOOD_FOR


__all__ = ["GOOD_FOR", "is_stale"]
