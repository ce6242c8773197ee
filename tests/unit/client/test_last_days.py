"""A last day that somebody typed is shown as they typed it."""

from __future__ import annotations

from datetime import date, timedelta

from concord.cli.days import end_of, shown, shown_end
from hypothesis import given
from hypothesis import strategies as st

DAYS = st.dates(date(2000, 1, 1), date(2999, 1, 1))


@given(DAYS)
def test_a_last_day_reads_as_it_was_typed(day: date) -> None:
    assert shown_end(end_of(day)) == f"the end of {day}"


@given(DAYS, st.integers(1, 60 * 60 * 20))
def test_a_time_of_day_stays_one(day: date, seconds: int) -> None:
    moment = end_of(day) + timedelta(seconds=seconds)
    assert shown_end(moment) == shown(moment)
