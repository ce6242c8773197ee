"""The consent service put together: the feed that messaging follows, the barrier, the directory, the worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from flask import Flask
from prometheus_client import generate_latest
from sqlalchemy import select, update

from services.chassis import migrate
from services.chassis.bus import LocalBus, Subscription
from services.chassis.clock import SystemClock
from services.chassis.config import SERVICES
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.peer_http import HttpPeer, PeerUnavailableError
from services.chassis.process import Background
from services.chassis.service_auth import ServiceSigner, ServiceVerifier, make_keys
from services.chassis.wake import LocalNotifier
from services.consent import account, app, events, measures, models, usecases, worker
from services.consent.account_alarm import Alarm
from services.consent.account_key import make_account_key
from services.consent.peers import Directory
from tests.unit.chassis.visitor import IssuerKeys
from tests.unit.consent.examples import DAY, PHYSICIAN, PSYCHOLOGIST, TERMS
from tests.unit.consent.ledger import line
from tests.unit.consent.test_account import letter_event
from tests.unit.consent.world import Steps, settings


def directory_app(issuer: IssuerKeys) -> Flask:
    """A directory that knows its keys, and every party as active."""
    flask = Flask("directory")

    @flask.get("/.well-known/jwks.json")
    def keys() -> dict[str, object]:
        return {"keys": [issuer.key.as_dict(private=False) | {"kid": issuer.kid}]}

    @flask.get("/v1/parties/<kind>/<party>")
    def show(kind: str, party: str) -> dict[str, str]:
        return {"kind": kind, "id": party, "status": "active"}

    return flask


@pytest.fixture
def deps(sqlite_database: Database, tmp_path: Path) -> app.Deps:
    """The service's parts, on SQLite and the machine's clock."""
    make_keys(tmp_path, SERVICES)
    make_account_key(tmp_path / "account.jwk")
    migrate.upgrade(sqlite_database, "consent")
    said = settings(tmp_path)
    transport = httpx.WSGITransport(app=directory_app(IssuerKeys()))
    directory = HttpPeer("http://directory", "directory", ServiceSigner.from_settings(said), transport)
    verifier = ServiceVerifier.from_settings(said)
    silent = httpx.MockTransport(lambda _: httpx.Response(503))
    letters = HttpPeer("http://messaging", "messaging", ServiceSigner.from_settings(said), silent)
    return app.assemble(said, sqlite_database, LocalNotifier(), SystemClock(), directory, letters, verifier)


@pytest.fixture
def messaging(deps: app.Deps, tmp_path: Path) -> Iterator[HttpPeer]:
    """Messaging, asking the consent service as it does in a deployment."""
    said = settings(tmp_path).model_copy(
        update={"service": "messaging", "service_key_file": tmp_path / "messaging.jwk"}
    )
    transport = httpx.WSGITransport(app=app.create_app(deps))
    yield HttpPeer("http://consent", "consent", ServiceSigner.from_settings(said), transport)


def lease(messaging: HttpPeer, epoch: str | None, applied: int, point: UUID) -> dict[str, object]:
    asked = {"enforcement_point": str(point), "epoch": epoch, "applied": applied, "time_bounded": False}
    response = messaging.post("/v1/feed/leases", json=asked)
    assert response.status_code == 200, response.text
    return dict(response.json())


def active(deps: app.Deps) -> UUID:
    """A consent in force, by the machine's clock."""
    now = deps.clock.now()
    return Steps(deps.collaborators).active(replace(TERMS, valid_from=now, valid_until=now + DAY))


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def test_messaging_follows_the_feed_over_http(deps: app.Deps, messaging: HttpPeer) -> None:
    consent = active(deps)
    point = uuid4()
    first = lease(messaging, None, 0, point)
    assert (first["snapshot_required"], first["lease_seconds"]) == (True, None)
    with messaging.lines("/v1/feed/snapshot") as lines:
        head, fact, end = list(lines)
    assert str(consent) in fact
    assert '"status": "active"' in fact
    assert end == '{"end": 1}'
    epoch = str(first["epoch"])
    assert epoch in head
    granted = lease(messaging, epoch, 1, point)
    assert granted["seq"] == 1
    assert granted["events"] == []


def test_a_revocation_is_acknowledged_once_messaging_has_applied_it(deps: app.Deps, messaging: HttpPeer) -> None:
    """Not before: until the report comes, the answer would be `revoking`."""
    consent = active(deps)
    point = uuid4()
    epoch = str(lease(messaging, None, 0, point)["epoch"])
    lease(messaging, epoch, 1, point)
    answers: list[usecases.Revocation] = []
    revoking = threading.Thread(
        target=lambda: answers.append(usecases.revoke(deps.collaborators, PSYCHOLOGIST, consent))
    )
    revoking.start()
    until(lambda: usecases.show(deps.collaborators, PHYSICIAN, consent).consent.revoked_at is not None)
    assert usecases.show(deps.collaborators, PHYSICIAN, consent).effective[1] is None
    told = lease(messaging, epoch, 1, point)["events"]
    assert [Event.model_validate(each).type for each in told] == [events.REVOKED]  # type: ignore[attr-defined]
    time.sleep(0.3)
    assert not answers
    lease(messaging, epoch, 2, point)
    revoking.join(timeout=30)
    assert answers[0].effective_at is not None


def test_the_feed_is_for_messaging_alone(deps: app.Deps, tmp_path: Path) -> None:
    said = settings(tmp_path).model_copy(
        update={"service": "directory", "service_key_file": tmp_path / "directory.jwk"}
    )
    transport = httpx.WSGITransport(app=app.create_app(deps))
    peer = HttpPeer("http://consent", "consent", ServiceSigner.from_settings(said), transport)
    assert peer.get("/v1/feed/snapshot").status_code == 403
    assert HttpPeer("http://consent", "consent", None, transport).get("/v1/feed/snapshot").status_code == 401


def test_the_worker_relays_keeps_the_account_and_settles(deps: app.Deps) -> None:
    bus = LocalBus()
    bus.declare(Subscription("messaging", frozenset({events.ACTIVATED, events.REVOKED})))
    background, heard = Background(), list[Event]()
    worker.start(deps, bus, background)
    background.start("messaging", lambda stop: bus.consume(Subscription("messaging", frozenset()), heard.append, stop))
    try:
        consent = active(deps)
        until(lambda: [event.type for event in heard] == [events.ACTIVATED])
        event = letter_event(consent)
        bus.publish([event, event])
        until(lambda: len(account.page(deps.collaborators, PHYSICIAN, consent, 0, 10)) == 1)
    finally:
        background.stop()
    assert len(account.page(deps.collaborators, PHYSICIAN, consent, 0, 10)) == 1
    assert bus.dead_letters(measures.QUEUE) == []


def test_the_alarms_of_the_account_stand_among_the_metrics(deps: app.Deps) -> None:
    deps.alarms.raise_(Alarm.LOST, "pt_somebody")
    shown = generate_latest(measures.of(deps, LocalBus()).registry()).decode()
    assert 'concord_account_alarms{kind="lost"} 1.0' in shown
    assert "somebody" not in shown


def test_the_worker_notes_what_was_changed_behind_its_back(deps: app.Deps) -> None:
    with deps.database.transaction() as session:
        account.record(session, line(1))
        session.flush()
        session.execute(update(models.DisclosureRow).values(purpose="payment"))
    worker.check_account(deps)
    worker.check_account(deps)
    assert [each.kind for each in deps.alarms.all()] == ["changed"]


def test_the_worker_settles_a_revocation_that_nobody_asks_about_any_more(deps: app.Deps) -> None:
    consent = active(deps)
    with deps.database.transaction() as session:
        deps.feed.append(session, events.REVOKED, str(consent), {"consent": str(consent), "version": 1})
    background = Background()
    worker.start(deps, LocalBus(), background)
    try:
        until(lambda: not _pending(deps))
    finally:
        background.stop()


def _pending(deps: app.Deps) -> list[int]:
    """The numbers that are not known to hold everywhere."""
    query = select(models.FeedEvent.seq).where(models.FeedEvent.effective_at.is_(None))
    with deps.database.transaction() as session:
        return list(session.scalars(query))


@pytest.mark.parametrize(
    ("response", "known"),
    [
        (httpx.Response(200, json={"status": "active"}), True),
        (httpx.Response(200, json={"status": "suspended"}), False),
        (httpx.Response(200, json={"status": "invited"}), False),
        (httpx.Response(404), False),
        (httpx.Response(401), None),
        (httpx.Response(500), None),
        (httpx.Response(200, text="<html>"), None),
        (None, None),
    ],
)
def test_a_party_is_known_unknown_or_nobody_can_say(response: httpx.Response | None, known: bool | None) -> None:
    """`None`: neither yes nor no, so nothing is drafted on it."""

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.path == f"/v1/parties/practitioner/{PHYSICIAN.practitioner}"
        if response is None:
            raise httpx.ConnectError("refused")
        return response

    directory = Directory(HttpPeer("http://directory", "directory", None, httpx.MockTransport(handle)))
    if known is None:
        with pytest.raises(PeerUnavailableError):
            directory.knows(TERMS.discloser)
    else:
        assert directory.knows(TERMS.discloser) is known
