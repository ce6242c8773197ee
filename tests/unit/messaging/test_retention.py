"""Letters whose time is over: their bytes go, what became of them stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import delete

from services.chassis import failpoints
from services.chassis.failpoints import FailpointReachedError
from services.chassis.problems import Problem
from services.messaging.handout import HandoutEndedError
from services.messaging.models import ChunkRow, DeliveryRow, DisclosureRow, LetterRow
from services.messaging.retention import BATCH, Policy, Retention
from tests.unit.messaging.world import AGE, World

DAY = 86400.0
KEPT = Policy(opened_days=30, unopened_days=0)


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def retention(world: World, policy: Policy = KEPT) -> Retention:
    return Retention(world.database, world.clock, policy)


def sent(world: World, *, opened: bool, body: bytes = AGE + b"sealed") -> UUID:
    """A letter that was released, and opened by its recipient or not."""
    address = world.address()
    world.send(address, body)
    if opened:
        with world.database.transaction() as session:
            row = session.get(DeliveryRow, (address.letter, world.psychologist.id))
            assert row is not None
            row.fetched_at = row.opened_at = world.clock.now()
    return address.letter


def test_an_opened_letter_is_kept_for_its_days_and_then_deleted(world: World) -> None:
    world.activate()
    letter = sent(world, opened=True)
    world.clock.move(30 * DAY - 1)
    assert (retention(world).due(), retention(world).apply()) == (0, 0)
    assert world.fetch(letter)
    world.clock.move(2)
    assert (retention(world).due(), retention(world).apply()) == (1, 1)
    assert world.rows(ChunkRow) == []
    with pytest.raises(Problem) as refused:
        world.fetch(letter)
    assert (refused.value.status, refused.value.type) == (410, "urn:concord:problem:letter-deleted")
    assert retention(world).apply() == 0, "once is enough"


def opened(world: World, letter: UUID, at: datetime) -> None:
    """Fetched now, and opened when the recipient's own clock says so."""
    with world.database.transaction() as session:
        row = session.get(DeliveryRow, (letter, world.psychologist.id))
        assert row is not None
        row.fetched_at, row.opened_at = world.clock.now(), at


def test_a_recipients_clock_that_is_years_behind_takes_nothing_from_the_days_after_the_opening(world: World) -> None:
    world.activate()
    letter = sent(world, opened=False)
    world.clock.move(100 * DAY)
    opened(world, letter, datetime(2001, 1, 1, tzinfo=UTC))
    assert retention(world).apply() == 0
    world.clock.move(30 * DAY)
    assert retention(world).apply() == 1


def test_a_recipients_clock_that_is_years_ahead_keeps_no_letter_for_ever(world: World) -> None:
    world.activate()
    letter = sent(world, opened=False)
    opened(world, letter, datetime(2999, 1, 1, tzinfo=UTC))
    world.clock.move(30 * DAY - 1)
    assert retention(world).apply() == 0
    world.clock.move(1)
    assert retention(world).apply() == 1


def test_what_became_of_a_deleted_letter_is_still_told(world: World) -> None:
    world.activate()
    address = world.address()
    world.send(address)
    with world.database.transaction() as session:
        row = session.get(DeliveryRow, (address.letter, world.psychologist.id))
        assert row is not None
        row.fetched_at = row.opened_at = world.clock.now()
    lines = len(world.rows(DisclosureRow))
    world.clock.move(31 * DAY)
    retention(world).apply()
    stored = world.desk.letters.status(world.physician.id, address.letter)
    assert (stored.state, stored.letter.deleted_at) == ("released", world.clock.now())
    (entry,) = world.desk.mailbox.page(world.psychologist.id, 0, 10, 0).entries
    assert (entry.letter, entry.deleted_at) == (address.letter, world.clock.now())
    assert len(world.rows(DisclosureRow)) == lines, "the account is the law's, not the policy's"
    with pytest.raises(Problem) as refused:
        world.send(address)
    assert (refused.value.status, refused.value.type) == (410, "urn:concord:problem:letter-deleted")
    assert world.rows(ChunkRow) == [], "sending it again brings nothing back: it has to be a new letter"
    world.lapse()
    with pytest.raises(Problem, match="letter-deleted"):
        world.send(address)


def test_a_letter_that_was_never_released_is_not_one_whose_time_is_over(world: World) -> None:
    """Its bytes went when it expired; sending it again tells that, as before."""
    world.activate()
    world.lapse()
    address = world.address()
    world.send(address)
    world.clock.move(6 * DAY)
    world.desk.held.expire_due()
    assert (world.send(address).state, world.send(address).reason) == ("expired", "held-too-long")


def test_a_letter_that_one_recipient_has_not_opened_stays(world: World) -> None:
    world.activate()
    sent(world, opened=False)
    world.clock.move(1000 * DAY)
    assert retention(world).apply() == 0
    assert retention(world, Policy(30, 365)).apply() == 1


def test_the_time_in_which_a_letter_was_held_is_not_taken_from_its_recipient(world: World) -> None:
    world.activate()
    world.lapse()
    world.send(world.address())
    world.clock.move(4 * DAY)
    world.lapse(lapsed=False)
    assert world.desk.held.release_due() == 1
    unopened = retention(world, Policy(opened_days=0, unopened_days=1))
    assert unopened.apply() == 0
    world.clock.move(DAY - 1)
    assert unopened.apply() == 0
    world.clock.move(1)
    assert unopened.apply() == 1


def test_a_letter_that_goes_while_it_is_asked_for_is_not_recorded_as_handed_out(world: World) -> None:
    """Deleted between the look for it and the gate's transaction."""
    world.activate()
    letter = sent(world, opened=False)
    lines, told = len(world.rows(DisclosureRow)), world.events()
    world.clock.move(31 * DAY)
    gone: list[int] = []
    failpoints.arm({"gate.before_read": lambda: gone.append(retention(world, Policy(0, 30)).apply())})
    with pytest.raises(Problem) as refused:
        world.fetch(letter)
    assert (gone, refused.value.status) == ([1], 410)
    assert world.rows(DeliveryRow)[0].fetched_at is None
    assert (len(world.rows(DisclosureRow)), world.events()) == (lines, told)


def test_a_letter_that_is_being_handed_out_is_left_to_the_next_round(real_world: World) -> None:
    """The hand-out's transaction shares the letter's row until it is recorded."""
    real_world.activate()
    letter = sent(real_world, opened=True)
    real_world.clock.move(31 * DAY)
    gone: list[int] = []
    failpoints.arm({"gate.before_commit": lambda: gone.append(retention(real_world).apply())})
    real_world.desk.handout.fetch(real_world.psychologist.caller, letter)
    failpoints.disarm()
    assert (gone, retention(real_world).apply()) == ([0], 1)


def test_nothing_is_deleted_where_nothing_is_asked(world: World) -> None:
    world.activate()
    sent(world, opened=True)
    world.clock.move(10_000 * DAY)
    assert (retention(world, Policy(0, 0)).due(), retention(world, Policy(0, 0)).apply()) == (0, 0)


def test_a_held_letter_is_not_the_policys(world: World) -> None:
    """It has a time of its own, and until then it may still be released."""
    world.activate()
    world.lapse()
    world.send(world.address())
    world.clock.move(1000 * DAY)
    assert retention(world, Policy(1, 1)).apply() == 0
    assert len(world.rows(ChunkRow)) == 1


def test_an_expired_letter_is_marked_as_deleted_and_never_looked_at_again(world: World) -> None:
    world.activate()
    world.lapse()
    world.send(world.address())
    world.clock.move(6 * DAY)
    assert world.desk.held.expire_due() == 1
    (row,) = world.rows(LetterRow)
    assert row.deleted_at == world.clock.now()
    assert retention(world, Policy(1, 1)).apply() == 0


def test_a_clock_that_jumps_ahead_deletes_a_bounded_number_in_one_round(world: World) -> None:
    world.activate()
    for _ in range(BATCH + 5):
        sent(world, opened=True)
    world.clock.move(365 * DAY)
    assert retention(world).apply(at_most=BATCH + 1) == BATCH + 1
    world.clock.move(-365 * DAY)
    assert retention(world).apply() == 0, "set right again: nothing more is due"
    assert len(world.rows(ChunkRow)) == 4


def test_a_crash_in_the_middle_deletes_whole_letters_or_none(world: World) -> None:
    world.activate()
    letter = sent(world, opened=True)
    world.clock.move(31 * DAY)
    failpoints.arm({"retention.before_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        retention(world).apply()
    failpoints.disarm()
    assert world.fetch(letter)
    assert retention(world).apply() == 1


def test_several_workers_delete_each_letter_once(world: World) -> None:
    world.activate()
    for _ in range(BATCH * 2):
        sent(world, opened=True)
    world.clock.move(31 * DAY)
    with ThreadPoolExecutor() as pool:
        deleted = sum(pool.map(lambda _: retention(world).apply(), range(3)))
    assert deleted == BATCH * 2
    assert world.rows(ChunkRow) == []


def test_a_reader_who_is_at_it_sees_that_the_rest_is_missing(world: World) -> None:
    """Deleted between two windows: the stream ends short of the announced length, and nothing else is put there."""
    world.activate()
    letter = sent(world, opened=True, body=AGE + b"x" * 300_000)
    size, windows = world.desk.handout.fetch(world.psychologist.caller, letter)
    first = next(windows)
    with world.database.transaction() as session:
        session.execute(delete(ChunkRow))
    with pytest.raises(HandoutEndedError):
        list(windows)
    assert len(first) < size
