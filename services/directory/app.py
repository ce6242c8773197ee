"""The directory's app, from its parts to its routes; reads top to bottom.

Owns the wiring. Refuses decisions: what runs where is said by settings, and by whoever calls `assemble` with other
parts.
"""

from __future__ import annotations

from flask_openapi.openapi import OpenAPI

from services.chassis import feed_api, health
from services.chassis.auth import Authenticator
from services.chassis.barrier import Barrier
from services.chassis.clock import Clock, SystemClock
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.feed import Feed
from services.chassis.service_auth import ServiceVerifier
from services.chassis.wake import Notifier, start_notifier
from services.chassis.web import service_app

from . import api, checkpoints, devices_api, events, identity_api, key_log_api, models, signin_api
from .deps import Deps
from .fhir import fhir_api
from .finding import listings_api
from .openid import single_sign_on_api
from .organizations import coverage_api, delegations_api, departments_api, teams_api
from .recovery import backups_api, recovery_cases_api
from .tokens import TokenKeys


def assemble(
    settings: Settings, database: Database, notifier: Notifier, clock: Clock, services: ServiceVerifier
) -> Deps:
    """The parts on these collaborators: `local.py` and tests pass theirs, `build` a deployment's.

    Raises OSError and ValueError for the key log's key.
    """
    feed = Feed(database, notifier, clock, settings, models)
    log_key = checkpoints.key_from(settings)
    return Deps(settings, database, clock, feed, Barrier(feed, clock), notifier, services, log_key)


def build(settings: Settings) -> Deps:
    """The parts as deployed. Raises OSError and ValueError for keys that are missing or malformed."""
    database = Database(settings.database_url)
    verifier = ServiceVerifier.from_settings(settings)
    return assemble(settings, database, start_notifier(database), SystemClock(), verifier)


def create_app(deps: Deps) -> OpenAPI:
    """The app: people and keys, signing in, and the feed that messaging follows."""
    keys = TokenKeys(deps.database, deps.clock)
    settings = deps.settings
    authenticator = Authenticator(issuer=settings.issuer, public_url=settings.public_url, keys=keys, clock=deps.clock)
    blueprints = [
        *api.routes(deps),
        identity_api.routes(deps),
        *listings_api.routes(deps),
        *key_log_api.routes(deps),
        *recovery_cases_api.routes(deps),
        *devices_api.routes(deps),
        *backups_api.routes(deps),
        departments_api.routes(deps),
        *teams_api.routes(deps),
        delegations_api.routes(deps),
        coverage_api.routes(deps),
        *fhir_api.routes(deps),
        signin_api.routes(deps, keys),
        *single_sign_on_api.routes(deps),
        feed_api.blueprint(deps.feed, events.snapshot),
    ]
    return service_app(
        settings, blueprints, health.of(deps.database), authenticator=authenticator, services=deps.services
    )
