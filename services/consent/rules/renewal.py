"""When to remind the parties that a consent comes to its end.

Owns the days and the question which reminder is due. Refuses to send one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

# A month leaves time for the next visit, a week for a call.
REMINDERS_DAYS = (30, 7)


def reminder_due(valid_from: datetime, valid_until: datetime, reminded: int | None, now: datetime) -> int | None:
    """Which reminder (days before the end) is due now and was not sent yet; None when there is none.

    Of several that are due only the latest counts. A consent that was made for less than a reminder's time does not get
    that one: it would come with the signature.
    """
    if now >= valid_until:
        return None
    left, length = valid_until - now, valid_until - valid_from
    due = [days for days in REMINDERS_DAYS if left <= timedelta(days=days) < length]
    latest = min(due, default=None)
    return latest if latest is not None and (reminded is None or latest < reminded) else None
