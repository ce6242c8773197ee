"""The consent service's app, from its parts to its routes; reads top to bottom.

Owns the wiring. Refuses decisions: what runs where is said by settings, and by whoever calls `assemble` with other
parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_openapi.openapi import OpenAPI

from services.chassis import feed_api, health
from services.chassis.auth import Authenticator
from services.chassis.barrier import Barrier
from services.chassis.clock import Clock, SystemClock
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.feed import Feed
from services.chassis.peer_http import HttpPeer
from services.chassis.service_auth import ServiceSigner, ServiceVerifier
from services.chassis.token_keys import RemoteKeys
from services.chassis.wake import Notifier, start_notifier
from services.chassis.web import service_app

from . import api, events, models
from .deps import Collaborators
from .peers import Directory


@dataclass(frozen=True)
class Deps:
    """What one process of the consent service is made of."""

    settings: Settings
    database: Database
    notifier: Notifier
    clock: Clock
    directory: HttpPeer
    services: ServiceVerifier
    feed: Feed
    barrier: Barrier

    @property
    def collaborators(self) -> Collaborators:
        """What the use cases are handed."""
        parties = Directory(self.directory)
        return Collaborators(self.database, self.clock, self.feed, self.barrier, self.notifier, parties)


def assemble(
    settings: Settings,
    database: Database,
    notifier: Notifier,
    clock: Clock,
    directory: HttpPeer,
    services: ServiceVerifier,
) -> Deps:
    """The parts on these collaborators: `local.py` and tests pass theirs, `build` a deployment's."""
    feed = Feed(database, notifier, clock, settings, models)
    barrier = Barrier(feed, clock)
    return Deps(settings, database, notifier, clock, directory, services, feed, barrier)


def build(settings: Settings) -> Deps:
    """The parts as deployed. Raises OSError and ValueError for keys that are missing or malformed."""
    database = Database(settings.database_url)
    directory = HttpPeer(settings.directory_url, "directory", ServiceSigner.from_settings(settings))
    verifier = ServiceVerifier.from_settings(settings)
    return assemble(settings, database, start_notifier(database), SystemClock(), directory, verifier)


def create_app(deps: Deps) -> OpenAPI:
    """The app: the routes of consents, and the feed that messaging follows."""
    blueprints = [api.consents, feed_api.blueprint(deps.feed, events.facts)]
    app = service_app(
        deps.settings, blueprints, lambda: _ready(deps), authenticator=_authenticator(deps), services=deps.services
    )
    app.extensions[api.EXTENSION] = deps.collaborators
    return app


def _authenticator(deps: Deps) -> Authenticator:
    keys = RemoteKeys(deps.directory, deps.clock)
    settings = deps.settings
    return Authenticator(issuer=settings.issuer, public_url=settings.public_url, keys=keys, clock=deps.clock)


def _ready(deps: Deps) -> Mapping[str, bool]:
    return {"database": health.database_answers(deps.database)}
