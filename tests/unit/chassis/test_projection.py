"""The follower's side of a feed: applied in order, each once, or replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import failpoints
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.failpoints import FailpointReachedError
from services.chassis.projection import SnapshotCutShortError, UnknownFactError
from tests.unit.chassis.two_sides import Authority, Follower, RowSharedError, lines


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    database = Database(f"sqlite:///{tmp_path / 'authority.sqlite'}")
    yield Authority(database)
    database.dispose()


@pytest.fixture
def follower(database: Database) -> Follower:
    return Follower(database)


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


@pytest.fixture
def told(authority: Authority, follower: Follower) -> list[Event]:
    """Four changes that the follower, which stands at the beginning of the feed, has not applied."""
    follower.projection.replace(iter(lines(authority)), instead_of=None)
    authority.give("a")
    authority.give("b")
    authority.revoke("a")
    authority.give("c")
    return authority.events()


def test_the_next_changes_are_applied(follower: Follower, told: list[Event]) -> None:
    position = follower.take(*told[:2])
    assert (position.applied, position.changed, position.gap) == (2, True, False)
    assert follower.known() == {"a": "active", "b": "active"}


def test_changes_that_come_in_disorder_but_together_are_applied_in_order(follower: Follower, told: list[Event]) -> None:
    assert follower.take(*reversed(told)).applied == 4
    assert follower.known() == {"a": "revoked", "b": "active", "c": "active"}


def test_a_repetition_changes_nothing(follower: Follower, told: list[Event]) -> None:
    follower.take(*told[:3])
    position = follower.take(told[0], told[2])
    assert (position.applied, position.changed, position.gap) == (3, False, False)
    assert follower.known()["a"] == "revoked"


def test_what_comes_too_early_is_a_gap_and_is_not_applied(follower: Follower, told: list[Event]) -> None:
    position = follower.take(told[0], told[2])
    assert (position.applied, position.changed, position.gap) == (1, True, True)
    assert follower.known() == {"a": "active"}


def test_another_epoch_is_dropped(follower: Follower, told: list[Event]) -> None:
    stranger = told[0].model_copy(update={"epoch": uuid4()})
    position = follower.take(stranger)
    assert (position.applied, position.changed, position.gap) == (0, False, False)


def test_whoever_has_no_position_yet_applies_nothing(authority: Authority, follower: Follower) -> None:
    authority.give("a")
    assert follower.take(*authority.events()).applied == 0
    assert follower.mark() == (None, 0)


def test_a_change_that_fails_undoes_those_before_it(follower: Follower, told: list[Event]) -> None:
    follower.refused = {"b"}
    with pytest.raises(RowSharedError):
        follower.take(*told)
    assert follower.mark()[1] == 0
    assert follower.known() == {}


def test_a_change_of_an_unknown_type_stops_the_feed(follower: Follower, told: list[Event]) -> None:
    """It may be a new kind of revocation: to go past it would be to guess."""
    strange = told[0].model_copy(update={"type": "care.concord.consent.something-else.v1"})
    with pytest.raises(UnknownFactError):
        follower.take(strange)
    assert follower.mark()[1] == 0


def test_a_crash_before_the_commit_applies_nothing(follower: Follower, told: list[Event]) -> None:
    failpoints.arm({"projection.before_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        follower.take(*told)
    assert (follower.mark()[1], follower.known()) == (0, {})


def test_a_crash_after_the_commit_leaves_everything_applied(follower: Follower, told: list[Event]) -> None:
    failpoints.arm({"projection.after_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        follower.take(*told)
    assert follower.mark()[1] == 4


def test_a_snapshot_replaces_everything_but_what_is_revoked(
    authority: Authority, follower: Follower, told: list[Event]
) -> None:
    """A restored authority has forgotten b, and knows a as it was before it was revoked."""
    follower.take(*told)
    old, _ = follower.mark()
    new = uuid4()
    whole: list[dict[str, Any]] = [
        {"epoch": str(new), "seq": 1},
        {"kind": "consent", "consent": "a", "status": "active"},
        {"kind": "consent", "consent": "c", "status": "active"},
        {"end": 2},
    ]
    position = follower.projection.replace(iter(whole), instead_of=old)
    assert (position.epoch, position.applied, position.changed) == (new, 1, True)
    assert follower.mark() == (new, 1)
    assert follower.known() == {"a": "revoked", "b": "unknown", "c": "active"}


@pytest.mark.parametrize("kept", range(4))
def test_a_snapshot_that_is_cut_short_replaces_nothing(
    authority: Authority, follower: Follower, told: list[Event], kept: int
) -> None:
    follower.take(*told)
    before = follower.mark(), follower.known()
    authority.feed.new_epoch()
    with pytest.raises(SnapshotCutShortError):
        follower.projection.replace(iter(lines(authority)[:kept]), instead_of=before[0][0])
    assert (follower.mark(), follower.known()) == before


def test_a_snapshot_whose_count_is_wrong_replaces_nothing(
    authority: Authority, follower: Follower, told: list[Event]
) -> None:
    old, _ = follower.mark()
    authority.feed.new_epoch()
    whole = lines(authority)
    with pytest.raises(SnapshotCutShortError):
        follower.projection.replace(iter([*whole[:2], whole[-1]]), instead_of=old)
    assert follower.mark() == (old, 0)


def test_a_snapshot_that_comes_after_another_one_is_dropped(
    authority: Authority, follower: Follower, told: list[Event]
) -> None:
    """Two processes were sent for one; the second is older than what was applied since."""
    old, _ = follower.mark()
    authority.feed.new_epoch()
    late = lines(authority)
    follower.projection.replace(iter(lines(authority)), instead_of=old)
    authority.revoke("b")
    follower.take(*authority.events())
    position = follower.projection.replace(iter(late), instead_of=old)
    assert not position.changed
    assert follower.known()["b"] == "revoked"
    assert follower.mark() == authority.mark()


def test_a_snapshot_of_an_epoch_that_was_left_brings_nothing_back(
    authority: Authority, follower: Follower, told: list[Event]
) -> None:
    """A process asked for it long ago, when this database followed nothing, and read it slowly."""
    slow = lines(authority)
    authority.feed.new_epoch()
    follower.projection.replace(iter(lines(authority)), instead_of=follower.mark()[0])
    stands = follower.mark()
    assert not follower.projection.replace(iter(slow), instead_of=None).changed
    assert follower.mark() == stands


@pytest.mark.parametrize(
    ("point", "taken"), [("projection.before_snapshot_commit", False), ("projection.after_snapshot_commit", True)]
)
def test_a_crash_around_a_snapshot_leaves_all_or_nothing(
    authority: Authority, follower: Follower, told: list[Event], point: str, taken: bool
) -> None:
    old, _ = follower.mark()
    authority.feed.new_epoch()
    failpoints.arm({point: "raise"})
    with pytest.raises(FailpointReachedError):
        follower.projection.replace(iter(lines(authority)), instead_of=old)
    assert (follower.mark() == authority.mark()) == taken
    assert bool(follower.known()) == taken


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), max_size=12))
def test_however_events_are_lost_repeated_and_reordered_none_is_skipped(batches: list[list[int]]) -> None:
    """The position and the facts are always those of some beginning of the feed."""
    authority = Authority(Database("sqlite://"))
    follower = Follower(Database("sqlite://"))
    follower.projection.replace(iter(lines(authority)), instead_of=None)
    for consent in "abcd":
        authority.give(consent)
        authority.revoke(consent)
    told = authority.events()
    for batch in batches:
        before = follower.mark()[1]
        position = follower.take(*(told[each] for each in batch))
        assert position.applied >= before
        expected: dict[str, str] = {}
        for event in told[: position.applied]:
            expected[event.data["consent"]] = "revoked" if "revoked" in event.type else "active"
        assert follower.known() == expected
    authority.database.dispose()
    follower.database.dispose()
