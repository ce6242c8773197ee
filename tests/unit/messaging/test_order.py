"""The order of a release and a revocation, on PostgreSQL, where both happen at once."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text

from services.chassis import failpoints
from services.chassis.db import Database
from services.chassis.problems import Problem
from services.messaging import models
from services.messaging.bounds import bounded
from services.messaging.rules import State
from tests.unit.chassis.plumbing import SECONDS, until

from .world import AGE, World


def test_a_revocation_waits_for_a_gate_that_is_open(patient_world: World) -> None:
    world = patient_world
    revoking = threading.Thread(target=world.revoke)
    waiting: list[bool] = []

    def revoke_meanwhile() -> None:
        revoking.start()
        revoking.join(0.2)
        waiting.append(revoking.is_alive())

    failpoints.arm({"gate.before_commit": revoke_meanwhile})
    address = world.address()
    assert world.send(address).state is State.RELEASED
    failpoints.disarm()
    revoking.join(SECONDS)
    assert waiting == [True]
    assert not revoking.is_alive()
    with pytest.raises(Problem, match="consent-revoked"):
        world.send()
    assert world.inbox() == [address.letter]


def test_a_revocation_that_is_being_applied_is_waited_for_and_seen(patient_world: World) -> None:
    """A gate that opens while the change is not committed yet decides by the change, not by what was before."""
    world = patient_world
    applied, go_on = threading.Event(), threading.Event()

    def revoke_slowly() -> None:
        with world.database.transaction() as session:
            row = session.get(models.KnownConsent, world.consent, with_for_update=True)
            assert row is not None
            row.status = "revoked"
            session.flush()
            applied.set()
            go_on.wait(3)  # less than a gate waits for a lock

    thread = threading.Thread(target=revoke_slowly)
    thread.start()
    assert applied.wait(SECONDS)
    threading.Timer(0.2, go_on.set).start()
    with pytest.raises(Problem, match="consent-revoked"):
        world.send()
    thread.join(SECONDS)
    assert world.inbox() == []


def test_a_gate_that_waits_for_a_change_beyond_its_deadline_holds_the_letter(real_world: World) -> None:
    world = real_world
    with world.database.transaction() as session:
        session.get(models.KnownConsent, world.consent, with_for_update=True)
        assert world.send().state is State.HELD
    assert world.desk.held.release_due() == 1


def test_each_connection_of_a_gate_has_its_bounds_by_statements(postgresql_database: Database) -> None:
    """What only stands in the address, for the startup message, a pooler in between drops."""
    database = bounded(postgresql_database, 30)
    assert "options" not in database.url.query
    with database.transaction() as first, database.transaction() as second:
        for session in (first, second):
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                assert session.scalar(text(f"SHOW {name}")) == "30s"
    database.dispose()


@pytest.mark.parametrize("body", [AGE + b"sealed", AGE + b"x" * 1_500_000])
def test_postgresql_ends_a_gate_whose_process_stands_still(real_world: World, body: bytes) -> None:
    """Also when our own clock stood still with it:

    The lock is gone in time, and nothing of the letter stands but its hold.
    """
    world = real_world
    revoked_after: list[float] = []

    def revoke() -> None:
        started = time.monotonic()
        world.revoke()
        revoked_after.append(time.monotonic() - started)

    thread = threading.Thread(target=revoke)

    def stand_still() -> None:
        failpoints.disarm()
        thread.start()
        time.sleep(4.0)  # many times what a gate may take; the fake clock does not see it

    failpoints.arm({"gate.before_commit": stand_still})
    outcome = world.send(body=body)
    thread.join(SECONDS)
    assert (outcome.state, outcome.reason) == (State.HELD, "deadline-passed")
    assert revoked_after[0] < 3.5, "before the process goes on"
    assert world.inbox() == world.events() == []
    world.desk.held.release_due()
    assert world.events() == ["letter-refused"]


def test_nothing_is_released_after_a_revocation_while_many_send(patient_world: World) -> None:
    """What the mailbox holds when the revocation has been applied is all it ever holds, and that is soon.

    Gates that overlap without end must not keep the revocation waiting: it takes its turn.
    """
    world = patient_world
    stop = threading.Event()
    outcomes: list[str] = []

    def keep_sending() -> None:
        while not stop.is_set():
            try:
                outcomes.append(world.send().state.value)
            except Problem as problem:
                outcomes.append(problem.type.rpartition(":")[2])

    threads = [threading.Thread(target=keep_sending) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: "released" in outcomes)
    revoking = threading.Thread(target=world.revoke)
    revoking.start()
    revoking.join(30)  # overtaken, it would wait for as long as they send
    overtaken = revoking.is_alive()
    held_then = len(world.rows(models.HeldRow))
    with world.database.transaction() as session:
        box = session.get(models.MailboxRow, world.psychologist.id)
        released = box.last if box else 0
    time.sleep(0.3)  # they meet the revocation meanwhile
    stop.set()
    for thread in threads:
        thread.join(SECONDS)
    world.desk.held.release_due()
    revoking.join(SECONDS)
    assert not overtaken
    assert released > 0
    assert outcomes.count("released") == released, f"{held_then} were held"
    assert [row.state for row in world.rows(models.DeliveryRow)].count("released") == released
    assert outcomes[-1] in {"consent-revoked", "held"}
