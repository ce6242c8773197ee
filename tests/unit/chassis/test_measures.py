"""What is read for a dashboard when somebody looks, and a worker's page."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from prometheus_client.core import Metric
from sqlalchemy import insert
from sqlalchemy.orm import Session

from services.chassis import db, health, measures, metrics, worker_page
from services.chassis.bus import BusUnavailableError, Depth, LocalBus, Subscription
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.measures import Measures
from services.chassis.process import Background
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import Authority, FeedEvent, Outbox

KIND = "care.concord.letter.released.v1"


class SilentBus(LocalBus):
    """A broker that does not answer."""

    def depths(self, queues: Sequence[str]) -> dict[str, Depth]:
        raise BusUnavailableError("away")


class StuckBus(LocalBus):
    """A broker whose packets are swallowed, until a test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.asked = 0

    def depths(self, queues: Sequence[str]) -> dict[str, Depth]:
        self.asked += 1
        self.free.wait(10)
        return {}


@pytest.fixture
def stuck_bus() -> Iterator[StuckBus]:
    made = StuckBus()
    yield made
    made.free.set()


@pytest.fixture
def silent_database() -> Iterator[Database]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Database(f"postgresql+psycopg://nobody@127.0.0.1:{server.getsockname()[1]}/none")


def of(authority: Authority, clock: FakeClock, bus: LocalBus | None = None) -> Measures:
    facts = [measures.outbox("consent", Outbox), measures.pending("consent", FeedEvent)]
    return Measures("consent", authority.database, clock, facts, bus or LocalBus(), ("messaging",))


def shown(read: Measures) -> dict[str, float]:
    return {sample.name: sample.value for family in read.collect() for sample in family.samples}


def test_what_waits_in_the_outbox_is_counted_with_the_age_of_the_first(authority: Authority, clock: FakeClock) -> None:
    empty = shown(of(authority, clock))
    assert (empty["concord_outbox_depth"], empty["concord_outbox_oldest_seconds"]) == (0, 0)
    authority.give("a")
    clock.advance(30)
    authority.give("b")
    now = shown(of(authority, clock))
    assert (now["concord_outbox_depth"], now["concord_outbox_oldest_seconds"]) == (2, 30)


def test_a_row_that_a_later_version_wrote_does_not_hide_the_depth(authority: Authority, clock: FakeClock) -> None:
    with authority.database.transaction() as session:
        session.execute(insert(Outbox).values(body=b"not an event of ours"))
    assert shown(of(authority, clock))["concord_outbox_depth"] == 1


def test_a_pile_is_counted_to_a_bound(authority: Authority, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "COUNTED_AT_MOST", 3)
    for name in "abcdef":
        authority.give(name)
    assert shown(of(authority, clock))["concord_outbox_depth"] == 3


def test_a_revocation_that_is_not_effective_is_pending_until_it_is(authority: Authority, clock: FakeClock) -> None:
    authority.report(authority.feed.new_epoch(), 0)  # somebody follows
    authority.revoke("a")
    clock.advance(3)
    now = shown(of(authority, clock))
    assert (now["concord_changes_pending"], now["concord_changes_pending_oldest_seconds"]) == (1, 3)
    clock.advance(60)
    authority.barrier.settle_pending()
    clock.advance(60)
    authority.barrier.settle_pending()
    assert shown(of(authority, clock))["concord_changes_pending"] == 0


def test_the_time_to_effect_is_observed_by_the_kind_of_change(authority: Authority, clock: FakeClock) -> None:
    kind = {"type": "care.concord.consent.revoked.v1"}
    before = metrics.PROCESS.get_sample_value("concord_change_effective_seconds_sum", kind) or 0.0
    number = authority.revoke("a")
    clock.advance(2)
    assert authority.holds(number)
    after = metrics.PROCESS.get_sample_value("concord_change_effective_seconds_sum", kind)
    assert after == pytest.approx(before + 2)


def test_queues_and_dead_letters_are_counted(authority: Authority, clock: FakeClock) -> None:
    bus = LocalBus()
    bus.declare(Subscription("messaging", frozenset({KIND})))
    bus.publish([Event.create("messaging", KIND, {}, time=clock.now()) for _ in range(3)])
    now = shown(of(authority, clock, bus))
    assert (now["concord_broker_up"], now["concord_queue_depth"], now["concord_dead_letters"]) == (1, 3, 0)


def test_a_broker_that_is_away_is_told_and_hides_nothing_else(authority: Authority, clock: FakeClock) -> None:
    now = shown(of(authority, clock, SilentBus()))
    assert (now["concord_broker_up"], now["concord_database_up"]) == (0, 1)
    assert "concord_outbox_depth" in now


def test_a_database_that_is_away_is_told_and_hides_nothing_else(clock: FakeClock) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    read = Measures("consent", away, clock, [measures.outbox("consent", Outbox)], LocalBus(), ())
    now = shown(read)
    assert now == {"concord_database_up": 0, "concord_broker_up": 1}


def test_a_database_and_a_broker_that_are_silent_hold_no_page_up(
    clock: FakeClock, silent_database: Database, stuck_bus: StuckBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "PAGE_SECONDS", 0.2)
    monkeypatch.setattr(health, "READY_SECONDS", 0.2)
    read = Measures("consent", silent_database, clock, [measures.outbox("consent", Outbox)], stuck_bus, ())
    began = time.monotonic()
    assert shown(read) == {"concord_database_up": 0, "concord_broker_up": 0}
    assert read.ready() == {"database": False, "broker": False}
    assert time.monotonic() - began < db.CONNECT_SECONDS


def test_who_looks_again_and_again_asks_a_silent_broker_once(
    authority: Authority, clock: FakeClock, stuck_bus: StuckBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "PAGE_SECONDS", 0.5)
    read = of(authority, clock, stuck_bus)
    for _ in range(3):
        assert shown(read)["concord_broker_up"] == 0
    assert stuck_bus.asked == 1
    stuck_bus.free.set()
    monkeypatch.setattr(measures, "PAGE_SECONDS", 5.0)
    read._depths.begin().result(5)
    assert shown(read)["concord_broker_up"] == 1, "it came back"


def test_a_database_that_is_slow_is_asked_for_no_more_once_its_time_is_over(
    authority: Authority, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "DEADLINE_SECONDS", 1.0)
    asked: list[str] = []
    slow, never = noting(asked, "slow", 1.3), noting(asked, "never")
    read = Measures("consent", authority.database, clock, [slow, never], LocalBus(), ())
    assert shown(read) == {"concord_database_up": 0, "concord_broker_up": 1}
    assert asked == ["slow"]


@pytest.mark.real
def test_tables_that_are_not_there_yet_do_not_fail_the_page(
    fresh_postgresql: Callable[[], str], clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The database answers; what it lacks is told in the log, by the kind of error alone."""
    empty = Database(fresh_postgresql())
    asked: list[str] = []
    facts = [noting(asked, "there"), measures.outbox("consent", Outbox)]
    read = Measures("consent", empty, clock, facts, LocalBus(), ())
    page = worker_page.create_page("consent", read.ready, read.registry()).test_client().get("/metrics")
    assert page.status_code == 200
    assert 'concord_database_up{service="consent"} 1.0' in page.text
    assert "noted" not in page.text, "half of the facts would read as all of them"
    assert "ProgrammingError" in capsys.readouterr().err
    empty.dispose()


def noting(asked: list[str], name: str, seconds: float = 0.0) -> measures.Measure:
    """A measure that notes that it was asked, and takes its time."""

    def measure(session: Session, now: datetime) -> Iterator[Metric]:
        asked.append(name)
        time.sleep(seconds)
        yield measures.gauge("noted", "Whether it was asked", 1)

    return measure


def test_the_page_of_a_worker_tells_what_it_lacks(authority: Authority, clock: FakeClock) -> None:
    background = Background()
    read = of(authority, clock, SilentBus())
    page = worker_page.create_page(
        "consent", lambda: {**read.ready(), "loops": background.alive()}, read.registry()
    ).test_client()
    assert page.get("/livez").status_code == 200
    answer = page.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["checks"] == {"database": True, "broker": False, "loops": True}
    assert 'concord_outbox_depth{service="consent"} 0.0' in page.get("/metrics").text
    assert page.get("/v1/letters").status_code == 404


def test_a_loop_that_ended_is_told_on_the_page() -> None:
    background = Background()
    background.start("brief", lambda stop: None)
    for thread in background._threads:
        thread.join(60)
    assert not background.alive()


def test_a_loop_that_fails_is_counted() -> None:
    background, failed = Background(), threading.Event()

    def fail(_: object) -> None:
        failed.set()
        raise RuntimeError("again")

    background.start("clumsy", fail)
    assert failed.wait(60)
    background.stop()
    assert (metrics.PROCESS.get_sample_value("concord_loop_failures_total", {"loop": "clumsy"}) or 0) >= 1


def test_nothing_is_asked_before_somebody_looks(authority: Authority, clock: FakeClock, stuck_bus: StuckBus) -> None:
    """Registering must not read: the tables may not be there yet."""
    stuck_bus.free.set()
    asked: list[str] = []
    read = Measures("consent", authority.database, clock, [noting(asked, "fact")], stuck_bus, ())
    registry = read.registry()
    assert (asked, stuck_bus.asked) == ([], 0)
    list(registry.collect())
    assert (asked, stuck_bus.asked) == (["fact"], 1)


def test_an_age_is_never_negative(authority: Authority, clock: FakeClock) -> None:
    authority.give("a")
    clock.jump(-timedelta(days=1).total_seconds())
    assert shown(of(authority, clock))["concord_outbox_oldest_seconds"] == 0


def test_a_page_shows_what_the_process_counted_as_well(authority: Authority, clock: FakeClock) -> None:
    metrics.LEASE_RENEWED.labels("consent").set(1.0)
    read = of(authority, clock)
    text = worker_page.create_page("consent", read.ready, read.registry()).test_client().get("/metrics").text
    assert 'concord_lease_renewed_timestamp_seconds{feed="consent"} 1.0' in text
    assert 'concord_outbox_depth{service="consent"} 0.0' in text
