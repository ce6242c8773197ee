"""Messaging's app, from its parts to its routes; reads top to bottom.

Owns the wiring. Refuses decisions: what runs where is said by settings, and by whoever calls `assemble` with other
parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_openapi.openapi import OpenAPI

from services.chassis import health
from services.chassis.auth import Authenticator
from services.chassis.clock import Clock, SystemClock
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.lease import HttpLeasePeer
from services.chassis.peer_http import HttpPeer
from services.chassis.process import Background
from services.chassis.service_auth import ServiceSigner, ServiceVerifier
from services.chassis.token_keys import RemoteKeys
from services.chassis.wake import Notifier, start_notifier
from services.chassis.web import service_app

from . import account_api, api
from .account import Replay
from .desk import Desk, compose
from .peers import Follower


@dataclass(frozen=True)
class Deps:
    """What one process of messaging is made of."""

    settings: Settings
    database: Database
    notifier: Notifier
    clock: Clock
    directory: HttpPeer
    services: ServiceVerifier
    followers: Mapping[str, Follower]
    desk: Desk


def assemble(
    settings: Settings,
    database: Database,
    notifier: Notifier,
    clock: Clock,
    directory: HttpPeer,
    consent: HttpPeer,
    services: ServiceVerifier,
) -> Deps:
    """The parts on these collaborators: `local.py` and tests pass theirs, `build` a deployment's."""
    peers = {"consent": consent, "directory": directory}
    followers = {feed: Follower(feed, database, HttpLeasePeer(peer), clock) for feed, peer in peers.items()}
    desk = compose(settings, database, notifier, clock, followers)
    return Deps(settings, database, notifier, clock, directory, services, followers, desk)


def build(settings: Settings) -> Deps:
    """The parts as deployed. Raises OSError and ValueError for keys that are missing or malformed."""
    database = Database(settings.database_url)
    signer = ServiceSigner.from_settings(settings)
    directory = HttpPeer(settings.directory_url, "directory", signer)
    consent = HttpPeer(settings.consent_url, "consent", signer)
    services = ServiceVerifier.from_settings(settings)
    return assemble(settings, database, start_notifier(database), SystemClock(), directory, consent, services)


def follow(deps: Deps, background: Background) -> None:
    """Keep this process's leases on both feeds: every process that opens the gate has its own."""
    for feed, follower in deps.followers.items():
        background.start(f"messaging lease on {feed}", follower.run)


def create_app(deps: Deps) -> OpenAPI:
    """The app: the routes of letters, and the account that the consent service follows."""
    keys = RemoteKeys(deps.directory, deps.clock)
    settings = deps.settings
    authenticator = Authenticator(issuer=settings.issuer, public_url=settings.public_url, keys=keys, clock=deps.clock)
    blueprints = [api.messaging, account_api.blueprint(Replay(deps.database))]
    # Not the leases: while they have lapsed, letters are held, and somebody must be there to hold them.
    ready = health.of(deps.database)
    app = service_app(settings, blueprints, ready, authenticator=authenticator, services=deps.services)
    app.extensions[api.EXTENSION] = deps.desk
    return app
