"""FHIR's `dateTime` and `Period`, and Concord's instants.

Owns both ways. Refuses what names no single moment: a year, a month, a time without its zone, a fraction finer than a
microsecond. Sources: FHIR R4, datatypes `dateTime` and `Period`; a period's end includes every moment that it names,
so that an end of 10:00:00 includes 10:00:00.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

# The moment at which a calendar day begins where the consent was signed: for resources that give days without a zone.
Midnight = Callable[[date], datetime]

_MICROSECOND = timedelta(microseconds=1)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,6}))?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def written(moment: datetime | date) -> str:
    """A `dateTime` in UTC, or a date."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def written_end(until: datetime) -> str:
    """The end of a period that `until` is no part of: its last microsecond, written out, lest it name a second."""
    last = (until - _MICROSECOND).astimezone(UTC)
    return last.isoformat(timespec="microseconds").replace("+00:00", "Z")


def read(text: str) -> datetime | date:
    """An instant in UTC, or a calendar date. Raises ValueError."""
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    return _instant(text)[0]


def read_day(text: str) -> date:
    """A calendar date. Raises ValueError."""
    if not _DAY.fullmatch(text):
        raise ValueError("no day")
    return date.fromisoformat(text)


def read_instant(text: str) -> datetime:
    """An instant in UTC. Raises ValueError."""
    return _instant(text)[0]


def read_start(text: str, midnight: Midnight | None) -> datetime:
    """The first moment of a period. Raises ValueError."""
    moment = read(text)
    return moment if isinstance(moment, datetime) else _begin(moment, midnight)


def read_until(text: str, midnight: Midnight | None) -> datetime:
    """The first moment after a period: the end is included, with all that its precision covers. Raises ValueError."""
    if _DAY.fullmatch(text):
        return _begin(date.fromisoformat(text) + timedelta(days=1), midnight)
    moment, unit = _instant(text)
    return moment + unit


def _instant(text: str) -> tuple[datetime, timedelta]:
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError("no instant")
    digits = len(found[1] or "")
    return datetime.fromisoformat(text).astimezone(UTC), timedelta(microseconds=10 ** (6 - digits))


def _begin(day: date, midnight: Midnight | None) -> datetime:
    if midnight is None:
        raise ValueError("a day without a zone")
    return midnight(day).astimezone(UTC)
