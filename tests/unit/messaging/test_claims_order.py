"""What is taken away while others read and send, on PostgreSQL: it takes its turn, and nobody waits in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.chassis import failpoints
from services.chassis.event import Event
from services.chassis.problems import Problem
from services.messaging import peers, projections, team_inbox, turns
from services.messaging.rules import State
from tests.unit.chassis.plumbing import SECONDS, until

from .test_on_behalf import employed
from .test_team_letters import founded
from .world import EPOCHS, NOW, Clinician, World, given, plain


def waiting(world: World) -> int:
    """How many transactions of this database wait for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with world.database.transaction() as session:
        return session.scalar(query) or 0


def refused_as(future: Future[Any]) -> str:
    with pytest.raises(Problem) as caught:
        future.result(SECONDS)
    return caught.value.type.rpartition(":")[2]


def test_a_member_who_reads_the_inbox_on_and_on_does_not_keep_their_removal_waiting(
    patient_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = founded(patient_world)
    team.send()
    reading, go_on, read = threading.Event(), threading.Event(), team_inbox.deliveries_of

    def slowly(*args: Any) -> Any:
        if not reading.is_set():
            reading.set()
            assert go_on.wait(SECONDS)
        return read(*args)

    monkeypatch.setattr(team_inbox, "deliveries_of", slowly)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(team.inbox, team.colleague)
        assert reading.wait(SECONDS)
        removal = pool.submit(patient_world.leave, team.id, team.colleague)
        until(lambda: waiting(patient_world) == 1)
        second = pool.submit(team.inbox, team.colleague)
        until(lambda: second.done() or waiting(patient_world) == 2)
        go_on.set()
        assert len(first.result(SECONDS)) == 1, "what began before it is told to its end"
        removal.result(SECONDS)
        assert refused_as(second) == "not-found"


def removals(team: Any) -> list[Event]:
    """A team of two is closed: what one answer of the directory brings of it."""
    type_ = "care.concord.directory.team-member-removed.v1"
    told = [plain({"team": team.id, "practitioner": who}) for who in team.members]
    return [
        Event.create("directory", type_, data, time=NOW, epoch=EPOCHS["directory"], sequence=n)
        for n, data in enumerate(told, start=1)
    ]


@pytest.mark.parametrize("order", [sorted, lambda who: sorted(who, reverse=True)], ids=["up", "down"])
def test_a_team_is_closed_while_letters_are_sent_to_it_and_nobody_waits_in_a_circle(
    patient_world: World, monkeypatch: pytest.MonkeyPatch, order: Callable[[Any], list[Any]]
) -> None:
    """Several changes are applied in one transaction, and a gate shares several rows: both in one order."""
    world, team = patient_world, founded(patient_world)
    feed = peers.projection_of("directory", world.database)
    sent: list[Future[Any]] = []
    take = turns.take

    def take_while_somebody_sends(*args: Any) -> None:
        take(*args)
        if not sent:
            sent.append(pool.submit(world.send, team.address(recipients=tuple(order(team.members)))))
            until(lambda: sent[0].done() or waiting(world) == 1)

    monkeypatch.setattr(turns, "take", take_while_somebody_sends)
    with ThreadPoolExecutor(1) as pool:
        assert feed.offer(removals(team)).applied == 2
        assert refused_as(sent[0]) == "not-a-member"


def test_a_delegate_who_sends_on_and_on_does_not_keep_the_revocation_waiting(patient_world: World) -> None:
    world, practice = patient_world, employed(patient_world)
    sending, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        if not sending.is_set():
            sending.set()
            assert go_on.wait(SECONDS)

    failpoints.arm({"gate.before_commit": slowly})
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(practice.send)
        assert sending.wait(SECONDS)
        revocation = pool.submit(practice.revoke)
        until(lambda: waiting(world) == 1)
        second = pool.submit(practice.send)
        until(lambda: second.done() or waiting(world) == 2)
        go_on.set()
        assert first.result(SECONDS).state is State.RELEASED
        revocation.result(SECONDS)
        assert refused_as(second) == "not-delegated"


def test_a_snapshot_takes_one_turn_however_much_it_lists(patient_world: World) -> None:
    """Each turn is a lock, and PostgreSQL has room for some ten thousand."""
    held = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
    practice = employed(patient_world)
    people = [{"practitioner": who.id, "organization": who.organization} for who in (Clinician(), practice.nurse)]
    right = given(practice.delegation, patient_world.physician, practice.nurse)
    facts = [{"kind": "practitioner", "status": "active"} | each for each in people]
    facts += [{"kind": "team-member", "team": uuid4()} | each for each in people]
    facts += [{"kind": "delegation", "status": "active"} | right]
    with patient_world.database.transaction() as session:
        projections.load_directory(session, iter(plain(facts)))
        assert session.scalar(held) == 1
