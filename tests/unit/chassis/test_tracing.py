"""Traces: from a request through the outbox to whoever handles the event, and nothing that tells of anybody."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from flask import Flask
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel
from sqlalchemy.orm import DeclarativeBase

from services.chassis import gunicorn_hooks, inbox, outbox, tracing
from services.chassis.bus import LocalBus, Subscription
from services.chassis.config import Settings
from services.chassis.db import Database, create_all, naming
from services.chassis.event import Event
from services.chassis.outbox import Relay
from services.chassis.peer_http import HttpPeer
from services.chassis.tables import InboxRow, OutboxRow
from services.chassis.wake import LocalNotifier
from services.chassis.web import blueprint, service_app
from tests.fakes import FakeClock, RecordingBus

KIND = "care.concord.letter.released.v1"
OUTSIDE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Thing(BaseModel):
    thing: str


class Base(DeclarativeBase):
    metadata = naming()


class Outbox(OutboxRow, Base):
    pass


class Inbox(InboxRow, Base):
    pass


@pytest.fixture
def settings() -> Settings:
    names = ("database_url", "service_key_file", "service_keys_file")
    return Settings(service="messaging", base_url="https://concord.test", **dict.fromkeys(names, "unused"))  # type: ignore[arg-type]


@pytest.fixture
def exporter(settings: Settings) -> Iterator[InMemorySpanExporter]:
    """What a collector would get."""
    made = InMemorySpanExporter()
    tracing.configure(settings, made)
    yield made
    tracing.stop()


@pytest.fixture
def database() -> Database:
    made = Database("sqlite://")
    create_all(made, Base)
    return made


@pytest.fixture
def app(settings: Settings, database: Database) -> Flask:
    """A service with one route, which records an event."""
    routes = blueprint("things", __name__, tag="Things")

    @routes.get("/v1/things/<thing>")
    def show(path: Thing) -> dict[str, str]:
        event = Event.create("messaging", KIND, {"patient": "pt_secret"}, time=FakeClock().now())
        with database.transaction() as session:
            outbox.record(session, Outbox, event)
        return {"thing": path.thing}

    return service_app(settings, [routes], dict)


def spans(exporter: InMemorySpanExporter) -> dict[str, Any]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_one_trace_leads_from_a_request_to_whoever_handles_its_event(
    app: Flask, database: Database, exporter: InMemorySpanExporter
) -> None:
    app.test_client().get("/v1/things/blue-heron")
    bus, clock = RecordingBus(), FakeClock()
    Relay(database, bus, LocalNotifier(), clock, Outbox).relay_once()  # type: ignore[arg-type]
    (event,) = bus.stored
    handled: list[Event] = []
    inbox.Inbox(database, clock, {KIND: lambda _, each: handled.append(each)}, Inbox).handle(event)
    found = spans(exporter)
    request, handling = found["GET /v1/things/<thing>"], found[f"handle {KIND}"]
    assert handling.context.trace_id == request.context.trace_id
    assert handling.parent.span_id == request.context.span_id
    assert handled == [event]


def test_spans_carry_routes_and_ids_of_events_and_nothing_of_anybody(
    app: Flask, database: Database, exporter: InMemorySpanExporter
) -> None:
    app.test_client().get("/v1/things/blue-heron?name=Jaime", headers={"User-Agent": "jaime"})
    with tracing.span("any", "client", {"http.url": "https://concord.test/?name=Jaime", "peer.service": "consent"}):
        pass
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert not [word for word in ("blue-heron", "aime", "pt_secret", "http.url") if word in told]
    for span in exporter.get_finished_spans():
        assert set(span.attributes or {}) <= tracing.ALLOWED


def test_the_message_of_an_error_is_not_told(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Jaime"), tracing.span("failing", "consumer", {}):
        raise ValueError("Jaime")
    (span,) = exporter.get_finished_spans()
    assert span.attributes == {"error.type": "ValueError"}
    assert "Jaime" not in span.to_json()


@pytest.mark.parametrize("authorization", ["", "DPoP eyJ", "Basic x"])
def test_a_clients_own_trace_is_not_continued(app: Flask, exporter: InMemorySpanExporter, authorization: str) -> None:
    app.test_client().get("/v1/things/a", headers={"traceparent": OUTSIDE, "Authorization": authorization})
    span = spans(exporter)["GET /v1/things/<thing>"]
    assert f"{span.context.trace_id:032x}" != "a" * 32
    assert span.parent is None


def test_a_services_trace_is_continued(app: Flask, exporter: InMemorySpanExporter) -> None:
    app.test_client().get("/v1/things/a", headers={"traceparent": OUTSIDE, "Authorization": "Bearer x"})
    assert f"{spans(exporter)['GET /v1/things/<thing>'].context.trace_id:032x}" == "a" * 32


HOSTILE = {
    "empty": "",
    "rubbish": "rubbish",
    "long": "x" * 10_000,
    "zeros": "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
    "upper case": OUTSIDE.upper(),
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_trace_that_is_none_is_passed_over(app: Flask, exporter: InMemorySpanExporter, header: str) -> None:
    answer = app.test_client().get("/v1/things/a", headers={"traceparent": header, "Authorization": "Bearer x"})
    assert answer.status_code == 200
    assert spans(exporter)["GET /v1/things/<thing>"].context.is_valid


def test_what_one_service_asks_another_goes_on_in_the_same_trace(exporter: InMemorySpanExporter) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    peer = HttpPeer("http://consent", "consent", None, httpx.MockTransport(answer))
    with tracing.span("outer", "server", {}):
        outer = tracing.trace_id()
        peer.get("/v1/anything")
    assert sent[0].headers["traceparent"].split("-")[1] == outer
    assert spans(exporter)["GET consent"].attributes == {"http.request.method": "GET", "peer.service": "consent"}


def test_an_events_bytes_are_the_same_whoever_traces_it() -> None:
    event = Event.create("messaging", KIND, {}, time=FakeClock().now())
    assert event.traced(OUTSIDE).encode() == event.encode()
    assert event.traced(OUTSIDE).traceparent == OUTSIDE
    assert Event.decode(event.traced(OUTSIDE).encode()).traceparent is None


def test_without_a_collector_nothing_is_traced_and_nothing_is_loaded(app: Flask, database: Database) -> None:
    app.test_client().get("/v1/things/a")
    with database.transaction() as session:
        assert session.query(Outbox.traceparent).all() == [(None,)]
    program = "import sys, services.messaging.worker; print([n for n in sys.modules if n.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("end", [tracing.stop, lambda: gunicorn_hooks.worker_exit(None, None)], ids=["worker", "web"])
def test_a_collector_that_is_silent_holds_no_end_up(
    settings: Settings, app: Flask, end: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and never answers."""
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracing.configure(settings.model_copy(update={"otlp_endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}"}))
        provider = tracing._provider
        assert app.test_client().get("/v1/things/a").status_code == 200
        began = time.monotonic()
        end()
        assert 0.2 < time.monotonic() - began < 8, "there was something to send, and it was waited for a while"
        provider.shutdown()  # what the library does at the end of the process
        assert time.monotonic() - began < 8


def test_a_local_bus_delivers_without_a_trace(database: Database) -> None:
    """One process has one trace already; what is handed over in it needs no header."""
    bus = LocalBus()
    bus.declare(Subscription("messaging", frozenset({KIND})))
    bus.publish([Event.create("messaging", KIND, {}, time=FakeClock().now()).traced(OUTSIDE)])
    assert bus.depths(["messaging"])["messaging"].waiting == 1
