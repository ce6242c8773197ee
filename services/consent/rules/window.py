"""From when until when a consent holds.

Owns which windows are accepted and when one has ended. Refuses to read the clock: the caller says what time it is.
Sources: 45 CFR 164.508(c)(1)(v) and 42 CFR 2.31(a)(7) (an expiration date), 42 CFR 2.31(c)(1) (no disclosure on an
expired consent).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from .terms import Terms, TermsError

# Five calendar years hold at most two leap days. Longer than this, a forgotten consent outlives what anyone remembers
# of it.
MAX_WINDOW = timedelta(days=5 * 365 + 2)
# A form signed earlier may be brought in, yet a start further back is a slip of the keyboard.
MAX_PAST_START = timedelta(days=5 * 365 + 2)
# A consent is for care that is planned, not for a decade from now.
MAX_FUTURE_START = timedelta(days=366)
# The signing date is the signer's calendar date: the furthest zone is fourteen hours ahead of UTC.
FURTHEST_ZONE = timedelta(hours=14)
# Nobody who is in care today signed a form before this.
EARLIEST_SIGNATURE = date(1990, 1, 1)


def check_window(terms: Terms, now: datetime) -> None:
    """Refuse a window that is empty, over, or absurd. Raises `TermsError` that names the field."""
    if terms.valid_from < now - MAX_PAST_START:
        raise TermsError("valid_from", "is more than five years ago")
    if terms.valid_from > now + MAX_FUTURE_START:
        raise TermsError("valid_from", "is more than a year ahead")
    if terms.valid_until <= terms.valid_from:
        raise TermsError("valid_until", "must be later than valid_from")
    if terms.valid_until <= now:
        raise TermsError("valid_until", "has passed already")
    if terms.valid_until - terms.valid_from > MAX_WINDOW:
        raise TermsError("valid_until", "is more than five years after valid_from")


def has_ended(terms: Terms, now: datetime) -> bool:
    """Whether `now` is at or past the end: the window is [valid_from, valid_until)."""
    return now >= terms.valid_until


def check_signed_on(signed_on: date, now: datetime) -> None:
    """Refuse a signing date that has not come anywhere on earth, or is absurdly old. Raises `TermsError`."""
    check_day("Concord-Signed-On", signed_on, now)


def check_day(field: str, day: date, now: datetime) -> None:
    """Refuse a day that has not come anywhere on earth, or is absurdly old. Raises `TermsError` that names `field`."""
    if day > (now + FURTHEST_ZONE).date():
        raise TermsError(field, "is in the future")
    if day < EARLIEST_SIGNATURE:
        raise TermsError(field, f"is before {EARLIEST_SIGNATURE.isoformat()}")
