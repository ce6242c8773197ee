"""The count of a recovery's delay: whatever the clock does, it is not over sooner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.directory.rules.recovery_cases import MOST_AT_ONCE, counted, remaining

START = datetime(2026, 11, 1, tzinfo=UTC)
DELAY = timedelta(hours=72)
# Where the clock stands at each look at it: seconds from the start, as it may jump within years.
clocks = st.lists(st.floats(-1e8, 1e8), min_size=1, max_size=50)


@given(clocks, st.lists(st.booleans(), min_size=50, max_size=50))
def test_each_look_is_worth_ten_minutes_at_most_and_none_takes_anything_back(
    readings: list[float], in_force: list[bool]
) -> None:
    waited, since = 0.0, START
    for reading, standing in zip(readings, in_force, strict=False):
        before = waited
        waited, since = counted(waited, since, START + timedelta(seconds=reading), in_force=standing)
        assert 0 <= waited - before <= (MOST_AT_ONCE.total_seconds() if standing else 0)


@given(clocks)
def test_no_stretch_of_the_clock_is_counted_twice(readings: list[float]) -> None:
    waited, since = 0.0, START
    for reading in readings:
        waited, since = counted(waited, since, START + timedelta(seconds=reading), in_force=True)
    furthest = max(0.0, *readings)
    assert waited <= furthest + 1e-3
    assert since == max(START, START + timedelta(seconds=furthest))


def test_a_worker_that_looks_each_minute_counts_all_of_it() -> None:
    waited, since = 0.0, START
    moments = [START + timedelta(minutes=n) for n in range(72 * 60 + 1)]
    for _, now in pairwise(moments):
        waited, since = counted(waited, since, now, in_force=True)
    assert remaining(waited, DELAY, START + DELAY, moments[-1]) == timedelta()
    assert remaining(waited - 60, DELAY, START + DELAY, moments[-1]) == timedelta(minutes=1)


def test_the_moment_that_was_announced_is_kept_as_well() -> None:
    assert remaining(DELAY.total_seconds(), DELAY, START + DELAY, START) == DELAY
