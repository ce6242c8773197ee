"""Reconciling: a gap is fetched, a silent loss is found, and what contradicts is an alarm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.chassis.peer_http import HttpPeer, PeerUnavailableError
from services.consent import account_alarm, account_reconcile
from services.consent.account_alarm import Alarm, Alarms
from services.consent.account_peer import Messaging
from services.consent.account_reconcile import Reconciler
from services.consent.models import AccountAlarmRow, AccountGapRow
from tests.unit.consent.examples import PATIENT
from tests.unit.consent.ledger import OTHER, Ledger, line, recorded, tell
from tests.unit.consent.world import World

NONE = {"contradiction": 0, "unreadable": 0, "lost": 0, "changed": 0}


def reconciler(world: World, ledger: Ledger) -> Reconciler:
    return Reconciler(world.database, ledger, Alarms(world.database, world.clock))


def alarms(world: World) -> dict[str, int]:
    """How many alarms of each kind ring."""
    noted = Alarms(world.database, world.clock).all()
    return NONE | Counter(each.kind for each in noted if each.settled_at is None)


def gaps(world: World) -> int:
    with world.database.transaction() as session:
        return len(session.scalars(select(AccountGapRow)).all())


def test_what_is_missing_before_a_line_is_fetched(world: World) -> None:
    story = [line(n) for n in range(1, 9)]
    tell(world, [story[0], story[7]])
    reconciler(world, Ledger(*story)).close_gaps()
    assert (recorded(world), gaps(world), alarms(world)) == (list(range(1, 9)), 0, NONE)


def test_a_gap_stays_noted_while_messaging_cannot_be_asked(world: World) -> None:
    ledger = Ledger(line(1), line(2))
    ledger.away = True
    tell(world, [ledger.events[1]])
    work = reconciler(world, ledger)
    work.close_gaps()
    assert (recorded(world), gaps(world)) == ([], 1)
    ledger.away = False
    work.close_gaps()
    assert (recorded(world), gaps(world)) == ([1, 2], 0)


def test_a_loss_at_the_end_is_found_by_the_count(world: World) -> None:
    """No later line will ever show it."""
    story = [line(n) for n in (1, 2, 3)] + [line(n, patient=OTHER) for n in (1, 2)]
    tell(world, story[:2])
    reconciler(world, Ledger(*story)).compare()
    assert (recorded(world), recorded(world, OTHER)) == ([1, 2, 3], [1, 2])


def test_every_patient_gets_their_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_reconcile, "BATCH", 2)
    tokens = [f"pt_{each * 26}" for each in "hbdacfge"]
    story = [line(n, patient=token) for token in tokens for n in (1, 2)]
    tell(world, [each for each in story if each.data["patient"] in tokens[::3]])
    work = reconciler(world, Ledger(*story))
    for _ in range(6):
        work.compare()
    assert {token: recorded(world, token) for token in tokens} == {token: [1, 2] for token in tokens}
    late = line(3, patient=min(tokens))
    work._messaging.events.append(late)  # type: ignore[attr-defined]
    for _ in range(6):
        work.compare()
    assert recorded(world, min(tokens)) == [1, 2, 3]


def test_messaging_with_fewer_lines_than_are_recorded_is_an_alarm(world: World) -> None:
    tell(world, [line(1), line(2)])
    work = reconciler(world, Ledger(line(1, patient=OTHER)))
    work.compare()
    work.compare()
    assert (recorded(world), alarms(world)) == ([1, 2], NONE | {"lost": 1})


def test_a_fetched_line_that_contradicts_is_an_alarm_and_the_rest_goes_on(world: World) -> None:
    first = line(1)
    twisted = first.model_copy(update={"data": first.data | {"n": 3}})  # one event under two numbers
    tell(world, [first, line(1, patient=OTHER)])
    reconciler(world, Ledger(first, line(2), twisted, line(1, patient=OTHER), line(2, patient=OTHER))).compare()
    assert (recorded(world), recorded(world, OTHER)) == ([1, 2], [1, 2])
    assert alarms(world) == NONE | {"contradiction": 1}
    with world.database.transaction() as session:
        assert session.scalars(select(AccountAlarmRow.subject)).all() == [f"{PATIENT}/3"]


def test_a_line_that_says_nothing_keeps_nobody_else_back(world: World) -> None:
    story = [line(1), line(2, letter="no id"), line(3), line(1, patient=OTHER)]
    work = reconciler(world, Ledger(*story))
    for _ in range(2):
        work.compare()
    assert (recorded(world), recorded(world, OTHER)) == ([1], [1])
    assert alarms(world) == NONE | {"unreadable": 1}


def test_answers_that_lead_nowhere_end(world: World) -> None:
    """A messaging that skips a line, or speaks of another patient, is not asked for ever."""
    ledger = Ledger(line(2), line(3))
    reconciler(world, ledger).compare()
    assert (recorded(world), ledger.asked) == ([], 2)
    ledger.lines = lambda patient, after: [line(1, patient=OTHER)]  # type: ignore[method-assign]
    reconciler(world, ledger).compare()
    assert (recorded(world), recorded(world, OTHER)) == ([], [])


def test_the_alarms_are_a_metric_and_tell_no_patient(world: World) -> None:
    tell(world, [line(1)])
    reconciler(world, Ledger(line(1, patient=OTHER))).compare()
    with world.database.transaction() as session:
        (family,) = account_alarm.measure(session, world.clock.now())
    shown = {sample.labels["kind"]: sample.value for sample in family.samples}
    assert shown["lost"] == 1
    assert PATIENT not in repr(family)


def test_an_alarm_that_a_person_settled_rings_no_more_until_it_is_found_again(world: World) -> None:
    noted = Alarms(world.database, world.clock)
    noted.raise_(Alarm.CHANGED, "leaf 3")
    noted.raise_(Alarm.LOST, f"{PATIENT}/3")
    (changed, lost) = noted.all()
    assert noted.settle(changed.id)
    assert not noted.settle(changed.id), "it rings no more"
    assert not noted.settle("0" * 12)
    assert alarms(world) == NONE | {"lost": 1}
    assert [each.settled_at for each in noted.all()] == [world.clock.now(), None]
    world.clock.pass_(60)
    noted.raise_(Alarm.CHANGED, "leaf 3")
    noted.raise_(Alarm.LOST, f"{PATIENT}/3")
    assert alarms(world) == NONE | {"changed": 1, "lost": 1}
    assert [(each.id, each.at) for each in noted.all()] == [(lost.id, lost.at), (changed.id, world.clock.now())]
    assert PATIENT not in lost.id


EVENT = line(1).encode().decode()


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(200, json={"lines": "none"}),
        lambda _: httpx.Response(200, json={"lines": [{"n": 1, "event": "{}"}]}),
        lambda _: httpx.Response(200, json={"lines": [{"n": 1, "event": EVENT[:-1]}]}),
        lambda _: httpx.Response(200, content=b'{"lines": [{"n": 1, "event": "\\ud800"}]}'),
        lambda _: httpx.Response(200, content=b"\xff"),
        lambda _: httpx.Response(403),
        lambda _: httpx.Response(404),
        lambda _: httpx.Response(500),
    ],
)
def test_an_answer_that_is_no_list_of_lines_is_none(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    peer = HttpPeer("http://messaging", "messaging", None, httpx.MockTransport(answer))
    with pytest.raises(PeerUnavailableError):
        Messaging(peer).lines(PATIENT, 0)


@pytest.mark.parametrize("count", [{"patient": "Jane", "last": 1}, {"patient": PATIENT, "last": 0}, {"last": 1}])
def test_an_answer_that_is_no_list_of_counts_is_none(count: dict[str, Any]) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"counts": [count]}))
    with pytest.raises(PeerUnavailableError):
        Messaging(HttpPeer("http://messaging", "messaging", None, transport)).counts("", 10)


def test_messaging_is_asked_for_what_is_missing() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        lines = {"lines": [{"n": 1, "event": EVENT}], "last": 1}
        return httpx.Response(
            200, json=lines if "disclosures" in asked[-1] else {"counts": [{"patient": OTHER, "last": 4}]}
        )

    messaging = Messaging(HttpPeer("http://messaging", "messaging", None, httpx.MockTransport(handle)))
    assert [each.encode().decode() for each in messaging.lines(PATIENT, 3)] == [EVENT]
    assert messaging.counts("", 10) == [(OTHER, 4)]
    assert asked == [
        f"http://messaging/v1/service/disclosures?patient={PATIENT}&after=3",
        "http://messaging/v1/service/disclosure-counts?after=&limit=10",
    ]
