"""`concord-server doctor`: what is wrong with a service, what that means, and what to do.

Owns the command and the list of checks. Refuses to mend: what it names, a person does.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from uuid import uuid4

import typer
from pydantic import ValidationError
from sqlalchemy import select

from services.chassis.config import Service, SettingError, Settings, load_settings
from services.chassis.db import Database
from services.chassis.feed_messages import LeaseRequest
from services.chassis.lease import HttpLeasePeer
from services.chassis.measures import Measure
from services.chassis.peer_http import HttpPeer, PeerUnavailableError
from services.chassis.service_auth import ServiceSigner

from .checks import Check, Finding, examine
from .checks.database import DatabaseChecks
from .checks.deployment import DeploymentChecks
from .checks.key_log import KeyLogChecks
from .output import AsJson, ServiceName, service, show


def doctor(name: ServiceName, as_json: AsJson = False) -> None:
    """Look for what is wrong with a service; exit status 1 when anything is."""
    findings = list(findings_of(service(name)))
    show([each.shown() for each in findings], "\n".join(map(str, findings)), as_json)
    if not all(each.ok for each in findings):
        raise typer.Exit(1)


def findings_of(name: Service) -> Iterator[Finding]:
    """Every finding about one service with the settings of this environment."""
    try:
        settings = load_settings(name)
    except SettingError as error:
        yield Finding("settings", False, str(error), error.hint)
        return
    except ValidationError as error:
        wrong = ", ".join(f"CONCORD_{'_'.join(map(str, each['loc'])).upper()}" for each in error.errors())
        yield Finding("settings", False, f"missing or wrong: {wrong}", "see .env.example")
        return
    yield Finding("settings", True, "complete")
    yield from examine(checks_of(settings))


def checks_of(settings: Settings) -> Sequence[tuple[str, Check]]:
    """The checks of a service, in the order in which a person would mend what fails."""
    around, database = DeploymentChecks(settings), DatabaseChecks(settings, facts_of(settings.service))
    checks: list[tuple[str, Check]] = [
        ("keys", around.keys),
        ("temporary files", around.room),
        ("database", database.answers),
        ("migrations", database.form),
        ("broker", around.broker),
        ("peers", around.peers),
        ("waiting", database.waiting),
    ]
    if settings.service == "messaging":
        checks.append(("leases", lambda: leases(settings)))
    else:
        checks.append(("enforcement points", database.followers))
    if settings.service == "directory":
        log = KeyLogChecks(settings)
        checks += [("key log", log.tree), ("checkpoint", log.speaks), ("witnesses", log.witnesses)]
    return [*checks, ("certificate", around.certificate)]


def facts_of(name: Service) -> list[Measure]:
    """What waits in the database of a service: the facts of its dashboard."""
    found: list[Measure] = importlib.import_module(f"services.{name}.measures").FACTS
    return found


def leases(settings: Settings) -> Iterator[Finding]:
    """Whether each authority would grant messaging a lease, and whether the epoch is the one that is followed.

    It is asked as an enforcement point that nobody knows and that follows nothing: that is answered, and not recorded.
    """
    signer = ServiceSigner.from_settings(settings)
    followed = positions(settings)
    for feed in ("consent", "directory"):
        peer = HttpLeasePeer(HttpPeer(getattr(settings, f"{feed}_url"), feed, signer))
        request = LeaseRequest(enforcement_point=uuid4(), epoch=None, applied=0, time_bounded=True)
        try:
            answer = peer.lease(request)
        except PeerUnavailableError:
            mend = f"letters are held until {feed} answers: concord-server doctor {feed}, there"
            yield Finding(f"lease on {feed}", False, "would not be granted", mend)
            continue
        epoch, applied = followed.get(feed, (None, 0))
        lag = answer.seq - applied
        ok = epoch == str(answer.epoch) and lag < 500
        detail = f"applied {applied} of {answer.seq}" if epoch == str(answer.epoch) else "follows another epoch"
        yield Finding(f"lease on {feed}", ok, detail, "is messaging's worker up? It takes a snapshot by itself")


def positions(settings: Settings) -> dict[str, tuple[str | None, int]]:
    """How far messaging has applied each feed."""
    from services.messaging.models import FeedPosition  # noqa: PLC0415 - a doctor of another service needs none of it

    with Database(settings.database_url, pool_size=1).transaction() as session:
        rows = session.scalars(select(FeedPosition)).all()
    return {row.feed: (str(row.epoch) if row.epoch else None, row.applied) for row in rows}
