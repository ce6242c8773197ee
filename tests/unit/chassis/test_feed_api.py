"""The feed over HTTP: the same follower and authority, with the real routes and the real peer between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from joserfc.jwk import OKPKey

from services.chassis import feed_api
from services.chassis.db import Database
from services.chassis.lease import HttpLeasePeer, LeaseHolder
from services.chassis.peer_http import HttpPeer, PeerUnavailableError
from services.chassis.service_auth import ServiceSigner, ServiceVerifier
from services.chassis.web import service_app
from tests.unit.chassis.two_sides import SETTINGS, Authority, Follower, facts

KEYS = {name: OKPKey.generate_key("Ed25519") for name in ("directory", "messaging")}


@pytest.fixture
def authority() -> Iterator[Authority]:
    database = Database("sqlite://")
    yield Authority(database)
    database.dispose()


@pytest.fixture
def client(authority: Authority) -> FlaskClient:
    verifier = ServiceVerifier("consent", KEYS)
    app = service_app(SETTINGS, [feed_api.blueprint(authority.feed, facts)], dict, services=verifier)
    return app.test_client()


def peer(client: FlaskClient) -> HttpLeasePeer:
    transport = httpx.WSGITransport(client.application)
    return HttpLeasePeer(
        HttpPeer("http://consent", "consent", ServiceSigner("messaging", KEYS["messaging"]), transport)
    )


def as_service(name: str) -> dict[str, str]:
    return {"Authorization": ServiceSigner(name, KEYS[name]).authorization("consent")}


def test_a_follower_follows_over_http(authority: Authority, client: FlaskClient) -> None:
    """Snapshot, lease, missing events, report: nothing is lost in how they are written down."""
    follower = Follower(Database("sqlite://"))
    holder = LeaseHolder(follower.projection, peer(client), authority.clock, follower.point, time_bounded=True)
    authority.give("a")
    holder.renew()
    number = authority.revoke("a")
    holder.renew()
    assert follower.known() == {"a": "revoked"}
    assert follower.mark() == authority.mark()
    assert holder.usable(*authority.mark())
    assert authority.holds(number)
    follower.database.dispose()


@pytest.mark.parametrize("route", ["/v1/feed/leases", "/v1/feed/snapshot"])
def test_only_messaging_may_follow(client: FlaskClient, route: str) -> None:
    method = "POST" if route.endswith("leases") else "GET"
    body: dict[str, Any] = (
        {"json": {"enforcement_point": "0" * 32, "applied": 0, "time_bounded": True}} if method == "POST" else {}
    )
    assert client.open(route, method=method, **body).status_code == 401
    assert client.open(route, method=method, headers=as_service("directory"), **body).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"applied": -1},
        {"applied": 2**60},
        {"applied": "all"},
        {"epoch": "yesterday"},
        {"lease_seconds": 3600},
        {"time_bounded": "yes"},
        {"time_bounded": 1},
    ],
)
def test_a_request_that_is_none_is_refused(client: FlaskClient, authority: Authority, wrong: dict[str, object]) -> None:
    body = {"enforcement_point": "0" * 32, "epoch": None, "applied": 0, "time_bounded": True} | wrong
    answer = client.post("/v1/feed/leases", json=body, headers=as_service("messaging"))
    assert answer.status_code == 422
    assert authority.points() == {}


def test_an_answer_that_is_none_counts_as_no_answer() -> None:
    """A proxy's page, or half an answer: the older leases run out, and nothing else happens."""

    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>")

    broken = HttpLeasePeer(HttpPeer("http://consent", "consent", None, httpx.MockTransport(page)))
    follower = Follower(Database("sqlite://"))
    authority = Authority(Database("sqlite://"))
    holder = LeaseHolder(follower.projection, broken, authority.clock, follower.point, time_bounded=True)
    with pytest.raises(PeerUnavailableError):
        holder.renew()
    with pytest.raises(PeerUnavailableError), broken.snapshot() as lines:
        next(lines)
    follower.database.dispose()
    authority.database.dispose()
