"""`concord-server dead-letters` against a real broker, and how full a bus says its queues are."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services import __main__ as command_line
from services.chassis import delivery
from services.chassis.bus import Bus, BusUnavailableError, Depth, Subscription
from services.chassis.bus_rabbitmq import RabbitBus
from services.chassis.event import Event
from tests.contract.consuming import consuming, happened, until
from tests.contract.places import QUEUE, SUBSCRIPTION, TYPE, Place, RabbitPlace

SECRET = "a patient's name"
MESSAGING = Subscription("messaging", frozenset({TYPE}))


@pytest.fixture
def settings(rabbit: RabbitPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The settings of messaging on that place."""
    _, url, prefix = rabbit.address
    told = {"DATABASE_URL": "sqlite://", "BASE_URL": "https://concord.test", "AMQP_URL": url, "AMQP_PREFIX": prefix}
    keys = {"SERVICE_KEY_FILE": str(tmp_path), "SERVICE_KEYS_FILE": str(tmp_path)}
    for name, value in (told | keys).items():
        monkeypatch.setenv(f"CONCORD_{name}", value)
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.001)
    return monkeypatch


def run(*words: str) -> Result:
    return CliRunner().invoke(command_line.app, ["dead-letters", *words])


@pytest.mark.real
def test_what_could_not_be_handled_is_listed_without_what_it_says_and_put_back(
    settings: pytest.MonkeyPatch, rabbit: RabbitPlace
) -> None:
    bus = rabbit.open()
    broken, handled = threading.Event(), list[Event]()
    broken.set()

    def handle(event: Event) -> None:
        if broken.is_set():
            raise ValueError(SECRET)
        handled.append(event)

    bus.declare(MESSAGING)
    rabbit.put_raw(b"{" + SECRET.encode(), MESSAGING.queue)
    poison = happened(1, text=SECRET)
    bus.publish([poison])
    with consuming(bus, handle, MESSAGING):
        until(lambda: bus.depths(["messaging"])["messaging"].dead == 2)
        listed = run("list", "messaging", "--json")
        shown = {each["event"]: each for each in json.loads(listed.stdout)}
        assert set(shown) == {None, str(poison.id)}
        assert shown[str(poison.id)]["type"] == TYPE
        text = run("list", "messaging").stdout
        assert "not an event" in text
        assert str(poison.id) in text
        assert SECRET not in listed.output + text
        # What was listed is in its queue again once the broker hears that the look is over.
        until(lambda: bus.depths(["messaging"])["messaging"].dead == 2)
        broken.clear()
        assert run("replay", "messaging").stdout == "2 put back.\n"
        until(lambda: handled)
    assert [event.id for event in handled] == [poison.id]
    until(lambda: bus.depths(["messaging"])["messaging"].dead == 1)  # what is no event is set aside again
    bus.close()


@pytest.mark.real
def test_no_dead_letters_is_an_answer(settings: pytest.MonkeyPatch, rabbit: RabbitPlace) -> None:
    rabbit.open().declare(MESSAGING)
    assert run("list", "messaging").stdout == "No dead letters.\n"
    assert json.loads(run("replay", "messaging", "--json").stdout) == {"replayed": 0}


@pytest.mark.real
def test_a_queue_that_nobody_declared_is_named_with_who_would(settings: pytest.MonkeyPatch) -> None:
    done = run("list", "messaging")
    assert done.exit_code == 1
    assert "error: the broker has no queue for messaging yet" in done.output
    assert "hint: its worker declares it" in done.output


def test_a_service_without_a_queue_is_told_so(settings: pytest.MonkeyPatch) -> None:
    done = run("list", "directory")
    assert (done.exit_code, "error: directory has no queue" in done.output) == (1, True)


def test_a_broker_that_is_away_is_told(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("CONCORD_AMQP_URL", "amqp://guest:hunter2@127.0.0.1:1/%2F")
    done = run("list", "messaging")
    assert (done.exit_code, "error: the broker does not answer" in done.output) == (1, True)
    assert "hunter2" not in done.output


def test_a_bus_says_how_full_its_queues_are_and_passes_over_those_it_does_not_know(bus: Bus, place: Place) -> None:
    assert bus.depths([QUEUE]) == {}
    bus.declare(SUBSCRIPTION)
    bus.publish([happened(n) for n in range(3)])
    place.put_raw(b"no event")
    until(lambda: bus.depths([QUEUE, "nowhere"]) == {QUEUE: Depth(4, 0)})
    done: list[Event] = []
    with consuming(bus, done.append):
        until(lambda: bus.depths([QUEUE])[QUEUE].dead == 1)
        until(lambda: len(done) == 3)
    until(lambda: bus.depths([QUEUE]) == {QUEUE: Depth(0, 1)})


def test_a_broker_that_is_away_cannot_tell() -> None:
    with pytest.raises(BusUnavailableError):
        RabbitBus("amqp://guest:guest@127.0.0.1:1/%2F").depths([])
