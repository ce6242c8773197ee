"""What messaging tells an operator's dashboard."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from services.chassis import logs, metrics
from services.chassis.problems import Problem
from services.messaging import measures
from tests.unit.messaging.world import World


def told(world: World) -> dict[str, float]:
    """The numbers of held letters."""
    with world.database.transaction() as session:
        families = list(measures.held(session, world.clock.now()))
    return {sample.name: sample.value for family in families for sample in family.samples}


def decided(outcome: str, reason: str) -> float:
    value = metrics.PROCESS.get_sample_value("concord_gate_decisions_total", {"outcome": outcome, "reason": reason})
    return value or 0.0


@pytest.fixture
def counts() -> Callable[[str, str], float]:
    """How often an outcome was counted since this test began."""
    known: dict[tuple[str, str], float] = {}
    for metric in metrics.PROCESS.collect():
        for sample in metric.samples:
            if sample.name == "concord_gate_decisions_total":
                known[sample.labels["outcome"], sample.labels["reason"]] = sample.value
    return lambda outcome, reason: decided(outcome, reason) - known.get((outcome, reason), 0.0)


def test_held_letters_are_counted_with_the_age_of_the_first(world: World) -> None:
    assert told(world) == {"concord_held_letters": 0, "concord_held_letters_oldest_seconds": 0}
    world.activate()
    world.lapse()
    world.send(world.address())
    world.clock.move(90)
    world.send(world.address())
    assert told(world) == {"concord_held_letters": 2, "concord_held_letters_oldest_seconds": 90}


def test_a_clock_that_was_set_back_makes_no_negative_age(world: World) -> None:
    world.activate()
    world.lapse()
    world.send(world.address())
    world.clock.move(-3600)
    assert told(world)["concord_held_letters_oldest_seconds"] == 0


def test_each_decision_of_the_gate_is_counted_by_its_reason(world: World, counts: Callable[[str, str], float]) -> None:
    world.activate()
    sent = world.address()
    world.send(sent)
    assert (counts("released", ""), counts("held", "lease-lapsed")) == (1, 0)
    world.fetch(sent.letter)
    assert counts("handed-out", "") == 1
    world.lapse()
    world.send(world.address())
    assert counts("held", "lease-lapsed") == 1
    world.lapse(lapsed=False)
    world.revoke()
    assert world.desk.held.release_due() == 1
    assert counts("refused", "consent-revoked") == 1
    with pytest.raises(Problem):
        world.send(world.address())
    assert counts("refused", "consent-revoked") == 2
    with pytest.raises(Problem):
        world.fetch(sent.letter)
    assert counts("handout-refused", "consent-revoked") == 1


def test_a_refusal_is_counted_once_a_letter_and_reason(world: World, counts: Callable[[str, str], float]) -> None:
    """However many recipients it has, and whether it was held before or not."""
    world.revoke()
    everybody = (world.psychologist.id, world.stranger.id)
    with pytest.raises(Problem):
        world.send(world.address(recipients=everybody))
    assert counts("refused", "consent-revoked") == 1
    world.lapse()
    world.send(world.address(recipients=everybody))
    world.lapse(lapsed=False)
    assert world.desk.held.release_due() == 1
    assert counts("refused", "consent-revoked") == 2


def test_sending_a_letter_again_is_no_second_decision(world: World, counts: Callable[[str, str], float]) -> None:
    world.activate()
    sent = world.address()
    world.send(sent)
    world.send(sent)
    assert counts("released", "") == 1


def test_a_log_line_tells_a_letters_way_by_its_id_and_of_nobody(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(logs._process, "service", "messaging")  # as a deployed process has it
    world.activate()
    sent = world.address()
    world.send(sent)
    world.fetch(sent.letter)
    world.revoke()
    refused = world.address()
    with pytest.raises(Problem):
        world.send(refused)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"letters"' in line]
    told = [(line["event"], line["letter"], line.get("reason")) for line in lines]
    assert told == [
        ("released", str(sent.letter), None),
        ("handed-out", str(sent.letter), None),
        ("refused", str(refused.letter), "consent-revoked"),
    ]
    for secret in (world.physician.id, world.psychologist.id, world.consent, sent.patient):
        assert str(secret) not in json.dumps(lines)
