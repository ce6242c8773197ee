"""The consent service's app, from its parts to its routes; reads top to bottom.

Owns the wiring. Refuses decisions: what runs where is said by settings, and by whoever calls `assemble` with other
parts.
"""

from __future__ import annotations

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

from . import account_api, api, emergencies_api, events, explain_api, fhir_api, models, restrictions_api, signed_in
from .account_alarm import Alarms
from .account_export import Log
from .account_key import AccountKey
from .deps import Collaborators
from .patient_page import api as patient_codes
from .patient_page import desk
from .patient_page.routes import pages
from .peers import Directory


@dataclass(frozen=True)
class Deps:
    """What one process of the consent service is made of."""

    settings: Settings
    database: Database
    notifier: Notifier
    clock: Clock
    directory: HttpPeer
    messaging: HttpPeer
    services: ServiceVerifier
    feed: Feed
    barrier: Barrier
    account_key: AccountKey

    @property
    def collaborators(self) -> Collaborators:
        """What the use cases are handed."""
        parties, url = Directory(self.directory), self.settings.public_url
        return Collaborators(self.database, self.clock, self.feed, self.barrier, self.notifier, parties, url)

    @property
    def alarms(self) -> Alarms:
        """Where the account notes what must not be."""
        return Alarms(self.database, self.clock)


def assemble(
    settings: Settings,
    database: Database,
    notifier: Notifier,
    clock: Clock,
    directory: HttpPeer,
    messaging: HttpPeer,
    services: ServiceVerifier,
) -> Deps:
    """The parts on these collaborators: `local.py` and tests pass theirs, `build` a deployment's.

    Raises OSError and ValueError for the account's key.
    """
    feed = Feed(database, notifier, clock, settings, models)
    barrier = Barrier(feed, clock)
    key = AccountKey.from_settings(settings)
    return Deps(settings, database, notifier, clock, directory, messaging, services, feed, barrier, key)


def build(settings: Settings) -> Deps:
    """The parts as deployed. Raises OSError and ValueError for keys that are missing or malformed."""
    database = Database(settings.database_url)
    signer = ServiceSigner.from_settings(settings)
    directory = HttpPeer(settings.directory_url, "directory", signer)
    messaging = HttpPeer(settings.messaging_url, "messaging", signer)
    verifier = ServiceVerifier.from_settings(settings)
    return assemble(settings, database, start_notifier(database), SystemClock(), directory, messaging, verifier)


def create_app(deps: Deps) -> OpenAPI:
    """The app: the routes of consents, the patient's page, and the feed that messaging follows."""
    blueprints = [
        api.consents,
        emergencies_api.routes,
        restrictions_api.restrictions,
        explain_api.explanations,
        patient_codes.routes,
        *fhir_api.blueprints(deps.settings.public_url),
        *account_api.blueprints(Log(deps.database, deps.clock, deps.account_key)),
        feed_api.blueprint(deps.feed, events.facts),
    ]
    app = service_app(
        deps.settings, blueprints, health.of(deps.database), authenticator=_authenticator(deps), services=deps.services
    )
    app.extensions[signed_in.EXTENSION] = deps.collaborators
    desk.install(app, desk.PatientPage(deps.settings, deps.collaborators, Directory(deps.directory)))
    app.register_blueprint(pages)
    return app


def _authenticator(deps: Deps) -> Authenticator:
    keys = RemoteKeys(deps.directory, deps.clock)
    settings = deps.settings
    return Authenticator(issuer=settings.issuer, public_url=settings.public_url, keys=keys, clock=deps.clock)
