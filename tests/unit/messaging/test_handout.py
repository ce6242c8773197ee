"""Handing out: only through the gate, at every window, and never after a revocation."""

from __future__ import annotations

import os
import threading
import time

import pytest
from sqlalchemy import update

from services.chassis import failpoints
from services.chassis.problems import Problem
from services.messaging import models, projections
from services.messaging.gate import GateClosedError
from services.messaging.handout import WINDOW_BYTES, HandoutEndedError

from .world import AGE, World, framed

BODY = AGE + os.urandom(5 * WINDOW_BYTES)


def begin(world: World, body: bytes = BODY):  # type: ignore[no-untyped-def]
    """Send a letter and begin to fetch it: the address, and the windows."""
    address = world.address()
    world.send(address, body)
    _, windows = world.desk.handout.fetch(world.psychologist.caller, address.letter)
    return address, windows


def test_a_hand_out_is_recorded_once_and_told_once(world: World) -> None:
    address = world.address()
    world.send(address)
    for _ in range(2):
        world.fetch(address.letter)
    (delivery,) = world.rows(models.DeliveryRow)
    assert delivery.fetched_at == world.clock.now()
    assert world.events() == ["letter-released", "letter-handed-out"]


def test_only_a_recipient_fetches_a_letter(world: World) -> None:
    address = world.address()
    world.send(address)
    for reader in (world.physician, world.stranger):
        with pytest.raises(Problem) as caught:
            world.fetch(address.letter, reader)
        assert caught.value.status == 404


@pytest.mark.parametrize("end", ["revoked", "version", "recipient", "sender", "device", "expired"])
def test_a_letter_is_not_handed_out_once_something_speaks_against_it(world: World, end: str) -> None:
    address = world.address()
    world.send(address)
    ends = {
        "revoked": (world.revoke, "consent-revoked"),
        "version": (lambda: world.activate(version=2), "consent-superseded"),
        "recipient": (
            lambda: world.told(projections.practitioner_suspended, practitioner=world.psychologist.id),
            "recipient-suspended",
        ),
        "sender": (
            lambda: world.told(projections.practitioner_suspended, practitioner=world.physician.id),
            "sender-suspended",
        ),
        "device": (
            lambda: world.told(
                projections.device_revoked, device=world.psychologist.device, practitioner=world.psychologist.id
            ),
            "device-revoked",
        ),
        "expired": (lambda: world.clock.move(60 * 86400), "consent-expired"),
    }
    happens, expected = ends[end]
    happens()
    for _ in range(2):
        with pytest.raises(Problem, match=expected):
            world.fetch(address.letter)
    assert len(world.rows(models.RefusalRow)) == 1
    assert world.events() == ["letter-released", "letter-refused"]
    assert world.rows(models.DeliveryRow)[0].fetched_at is None


def test_nothing_is_handed_out_while_a_lease_has_lapsed(world: World) -> None:
    address = world.address()
    world.send(address)
    world.lapse()
    with pytest.raises(GateClosedError, match="lease-lapsed"):
        world.fetch(address.letter)
    assert world.rows(models.DeliveryRow)[0].fetched_at is None


def test_a_held_letter_is_not_there_for_its_recipient(world: World) -> None:
    world.lapse()
    address = world.address()
    world.send(address)
    world.lapse(lapsed=False)
    with pytest.raises(Problem) as caught:
        world.fetch(address.letter)
    assert caught.value.status == 404


def test_windows_are_small_and_in_order(world: World) -> None:
    address, windows = begin(world, AGE + os.urandom(1024 * 1024 + 5))
    sizes = [len(window) for window in windows]
    assert max(sizes) == WINDOW_BYTES
    assert sum(sizes) == len(framed(address, AGE)) + 1024 * 1024 + 5


def test_a_revocation_ends_a_hand_out_on_its_way(world: World) -> None:
    address, windows = begin(world)
    received = next(windows)
    if not world.desk.gate.hold_while_sending:
        world.revoke()
    else:
        revoking = threading.Thread(target=world.revoke)
        revoking.start()
        revoking.join(0.2)
        assert revoking.is_alive(), "a revocation waits for the window that is on its way"
    with pytest.raises(HandoutEndedError):
        for window in windows:
            received += window
            time.sleep(0.05)
    assert len(received) < len(framed(address, BODY))


def test_a_lease_that_lapses_ends_a_hand_out_before_its_next_window(world: World) -> None:
    _, windows = begin(world)
    next(windows)
    world.lapse()
    with pytest.raises(HandoutEndedError):
        next(windows)


def test_a_process_that_stood_still_sends_no_further_window(world: World) -> None:
    """The clock is read right before a window leaves: a pause between the decision and the send stops it."""
    _, windows = begin(world)
    next(windows)
    failpoints.arm({"handout.before_window": lambda: world.clock.move(5)})
    with pytest.raises(HandoutEndedError, match="deadline-passed"):
        next(windows)


@pytest.mark.parametrize("point", ["gate.before_read", "gate.after_read", "gate.before_commit"])
def test_a_crash_before_it_is_recorded_hands_nothing_out(world: World, point: str) -> None:
    address = world.address()
    world.send(address)
    failpoints.arm({point: "raise"})
    with pytest.raises(failpoints.FailpointReachedError):
        world.fetch(address.letter)
    failpoints.disarm()
    assert world.rows(models.DeliveryRow)[0].fetched_at is None
    assert world.fetch(address.letter)


@pytest.mark.parametrize("point", ["gate.after_commit", "handout.after_record", "handout.before_window"])
def test_a_crash_after_it_is_recorded_counts_as_handed_out(world: World, point: str) -> None:
    """What is on record and did not happen can be explained; what happened and is not on record cannot."""
    address = world.address()
    world.send(address)
    failpoints.arm({point: "raise"})
    with pytest.raises(failpoints.FailpointReachedError):
        world.fetch(address.letter)
    failpoints.disarm()
    assert world.rows(models.DeliveryRow)[0].fetched_at is not None
    assert world.fetch(address.letter)


def test_a_body_that_went_missing_ends_the_stream(world: World) -> None:
    _, windows = begin(world)
    next(windows)
    with world.database.transaction() as session:
        session.execute(update(models.ChunkRow).values(body=b""))
    with pytest.raises(HandoutEndedError):
        next(windows)


def test_a_slow_client_does_not_stop_other_letters_on_sqlite(small_world: World) -> None:
    _, windows = begin(small_world)
    next(windows)
    assert small_world.send().state == "released"


def test_a_client_that_goes_away_leaves_no_transaction_open(patient_world: World) -> None:
    _, windows = begin(patient_world)
    next(windows)
    windows.close()
    started = time.monotonic()
    patient_world.revoke()
    assert time.monotonic() - started < 3.0, "PostgreSQL would end it after 4 s"


def test_a_slow_client_delays_a_revocation_by_no_more_than_the_deadline(real_world: World) -> None:
    """PostgreSQL ends the transaction of a window that is on its way too long; the next window is decided on afresh."""
    address, windows = begin(real_world)
    received = next(windows)
    started = time.monotonic()
    real_world.revoke()
    assert time.monotonic() - started < 5.0
    with pytest.raises(HandoutEndedError, match="refused"):
        for window in windows:
            received += window
    assert len(received) == WINDOW_BYTES
    assert len(received) < len(framed(address, BODY))


def test_a_slow_client_gets_the_whole_letter_while_nothing_speaks_against_it(real_world: World) -> None:
    address, windows = begin(real_world)
    received = next(windows)
    time.sleep(1.6)  # more than PostgreSQL gives it
    assert received + b"".join(windows) == framed(address, BODY)
