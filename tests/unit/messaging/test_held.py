"""Held letters: released in order when the gate opens, refused when the consent is gone, expired in the end.

Never lost, never twice.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from services.chassis import failpoints
from services.messaging import desk, models
from services.messaging.rules import State

from .world import AGE, World, grant, settings


def hold(world: World, count: int = 1, body: bytes = AGE + b"sealed") -> list[UUID]:
    """Send letters while the leases have lapsed, and let them come back."""
    world.lapse()
    addresses = [world.address() for _ in range(count)]
    for address in addresses:
        assert world.send(address, body).state is State.HELD
    world.lapse(lapsed=False)
    return [address.letter for address in addresses]


def state(world: World, letter: UUID) -> tuple[str, str | None]:
    """Where a letter stands for its sender."""
    (delivery,) = world.desk.letters.status(world.physician.id, letter).deliveries
    return delivery.state, delivery.reason


def test_held_letters_are_released_in_their_order(world: World) -> None:
    letters = hold(world, 3)
    assert world.inbox() == []
    assert world.desk.held.release_due() == 3
    assert world.inbox() == letters
    assert world.events() == ["letter-released"] * 3
    assert world.rows(models.HeldRow) == []
    assert world.fetch(letters[0])


def test_a_held_letter_waits_while_the_gate_is_closed(world: World) -> None:
    hold(world)
    world.lapse()
    assert world.desk.held.release_due() == 0
    assert len(world.rows(models.HeldRow)) == 1


def test_a_large_held_letter_comes_out_whole(world: World) -> None:
    (letter,) = hold(world, body=AGE + b"x" * 2_000_000)
    world.desk.held.release_due()
    assert world.fetch(letter).endswith(b"x" * 2_000_000)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda world: world.revoke(), "consent-revoked"),
        (lambda world: world.activate(version=2), "consent-superseded"),
    ],
)
def test_a_held_letter_is_refused_when_the_consent_is_gone(world: World, happens, reason: str) -> None:  # type: ignore[no-untyped-def]
    (letter,) = hold(world)
    happens(world)
    assert world.desk.held.release_due() == 1
    assert state(world, letter) == ("refused", reason)
    assert world.inbox() == []
    assert world.events() == ["letter-refused"]
    assert world.rows(models.ChunkRow) == world.rows(models.HeldRow) == []
    assert len(world.rows(models.RefusalRow)) == 1


def test_a_held_letter_goes_to_all_its_recipients_or_to_none(world: World) -> None:
    world.lapse()
    address = world.address(recipients=(world.psychologist.id, world.stranger.id))
    world.send(address)
    world.lapse(lapsed=False)
    world.desk.held.release_due()
    deliveries = world.desk.letters.status(world.physician.id, address.letter).deliveries
    assert {(row.recipient, row.state, row.reason) for row in deliveries} == {
        (world.psychologist.id, "refused", "other-recipient-refused"),
        (world.stranger.id, "refused", "recipient-not-covered"),
    }
    assert world.inbox() == []


def test_a_stranger_to_the_consent_learns_nothing_later_either(world: World) -> None:
    world.lapse()
    address = world.address(sender=world.stranger.id, device=world.stranger.device)
    world.send(address, sender=world.stranger)
    world.lapse(lapsed=False)
    world.desk.held.release_due()
    (delivery,) = world.desk.letters.status(world.stranger.id, address.letter).deliveries
    assert (delivery.state, delivery.reason) == ("refused", "no-active-consent")


def test_a_letter_held_for_too_long_expires_and_its_sender_sees_it(world: World) -> None:
    (letter,) = hold(world)
    world.clock.move(5 * 86400 - 1)
    assert world.desk.held.expire_due() == 0
    world.clock.move(1)
    assert world.desk.held.expire_due() == 1
    assert world.desk.held.release_due() == 0
    assert state(world, letter) == ("expired", "held-too-long")
    assert world.rows(models.ChunkRow) == []
    assert world.inbox() == []


@pytest.mark.parametrize("point", ["gate.before_read", "held.before_commit", "gate.before_commit"])
@pytest.mark.parametrize("revoked", [False, True])
def test_a_crash_before_the_commit_leaves_a_held_letter_held(world: World, point: str, revoked: bool) -> None:
    (letter,) = hold(world)
    if revoked:
        world.revoke()
    failpoints.arm({point: "raise"})
    with pytest.raises(failpoints.FailpointReachedError):
        world.desk.held.release_due()
    failpoints.disarm()
    assert state(world, letter) == ("held", None)
    assert world.events() == []
    world.desk.held.release_due()
    assert state(world, letter)[0] == ("refused" if revoked else "released")


@pytest.mark.parametrize("point", ["gate.after_commit", "held.after_commit"])
def test_a_crash_after_the_commit_releases_once(world: World, point: str) -> None:
    (letter,) = hold(world)
    failpoints.arm({point: "raise"})
    with pytest.raises(failpoints.FailpointReachedError):
        world.desk.held.release_due()
    failpoints.disarm()
    assert world.desk.held.release_due() == 0
    assert world.inbox() == [letter]
    assert world.events() == ["letter-released"]


def test_a_crash_while_expiring_leaves_the_letter_held(world: World) -> None:
    (letter,) = hold(world)
    world.clock.move(6 * 86400)
    failpoints.arm({"held.before_expire_commit": "raise"})
    with pytest.raises(failpoints.FailpointReachedError):
        world.desk.held.expire_due()
    assert state(world, letter) == ("held", None)


def test_a_gate_that_stalls_leaves_a_held_letter_held(world: World) -> None:
    (letter,) = hold(world)
    failpoints.arm({"held.before_commit": lambda: world.clock.move(5)})
    assert world.desk.held.release_due() == 0
    assert state(world, letter) == ("held", None)


def test_two_workers_release_each_letter_once_and_in_order(real_world: World) -> None:
    world = real_world
    letters = hold(world, 12)
    workers = [desk.compose(settings(), world.database, world.notifier, world.clock, world.leases) for _ in range(2)]
    start = threading.Barrier(2)

    def work(own: desk.Desk) -> int:
        start.wait()
        done = 0
        while world.rows(models.HeldRow):
            done += own.held.release_due()
        return done

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(work, workers))
    for own in workers:
        own.gate.close()
    assert sum(counts) == 12
    assert world.inbox() == letters
    assert world.events() == ["letter-released"] * 12


def test_a_letter_that_another_worker_is_at_is_left_to_it(real_world: World) -> None:
    world = real_world
    (first,) = hold(world)
    with world.database.transaction() as session:
        session.get(models.HeldRow, 1, with_for_update=True)
        assert world.desk.held.release_due() == 0
        assert state(world, first) == ("held", None)
    assert world.desk.held.release_due() == 1


def test_held_letters_are_decided_on_by_the_facts_of_now(world: World) -> None:
    """A letter that was not covered when it came, and is now, goes: nobody had decided before."""
    world.activate(version=1, grants=[])
    (letter,) = hold(world)
    world.activate(version=1, grants=[grant(world.physician, world.psychologist)])
    world.desk.held.release_due()
    assert world.inbox() == [letter]
