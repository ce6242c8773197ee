"""What the directory works with, handed to every use case.

Owns the list of collaborators, and the question each use case asks about its caller. Refuses to make the collaborators:
`app.build` does for a process, and tests pass their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx
from sqlalchemy.orm import Session

from services.chassis import outbox
from services.chassis.auth import Caller
from services.chassis.clock import Clock
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.feed import Feed, Number
from services.chassis.log_key import LogKey
from services.chassis.problems import Problem, not_found
from services.chassis.service_auth import ServiceVerifier
from services.chassis.wake import Notifier

from .models import Device, Practitioner
from .rules.people import DeviceStatus, Member, Role, Status


class Awaits(Protocol):
    """The barrier, as far as a change needs it."""

    def await_effective(self, change: Number, timeout: float) -> bool:
        """Whether a change holds at every enforcement point, waiting at most `timeout` seconds.

        Raises `DatabaseUnavailableError` when a fail-over lost the change.
        """

    def settle_pending(self) -> None:
        """Write down every change that has become effective."""


@dataclass(frozen=True)
class Deps:
    """Everything a use case may use."""

    settings: Settings
    database: Database
    clock: Clock
    feed: Feed
    barrier: Awaits
    notifier: Notifier
    services: ServiceVerifier
    log_key: LogKey
    # The way to organizations' single sign-on; None: the network.
    web: httpx.BaseTransport | None = None

    def changed(self) -> None:
        """Tell the relay that there is something to take out; call after the commit."""
        self.notifier.notify(outbox.CHANNEL)


def acting(session: Session, caller: Caller) -> Member:
    """The caller as the directory knows them now, for an act that changes something.

    A token outlives a suspension by up to five minutes; here, where the truth is at hand, it does not count.
    Raises problem 403 `device-revoked` or `account-suspended`.
    """
    device = session.get(Device, caller.device)
    if device is None or device.status != DeviceStatus.ACTIVE or device.practitioner_id != caller.practitioner:
        raise Problem(403, "device-revoked", "Device revoked", "This device was revoked. Use another one.")
    person = device.practitioner
    if person.status != Status.ACTIVE:
        raise account_suspended()
    return Member(person.id, person.organization_id, Role(person.role))


def colleague(session: Session, practitioner: UUID, organization: UUID) -> Practitioner:
    """Somebody active of that organization. Raises problem 404, 409 `not-a-colleague`."""
    person = session.get(Practitioner, practitioner)
    if person is None:
        raise not_found("practitioner")
    if person.organization_id != organization or person.status != Status.ACTIVE:
        detail = "Only somebody of the same organization, who is enrolled and not suspended, can be named here."
        raise Problem(409, "not-a-colleague", "Not a colleague", detail)
    return person


def account_suspended() -> Problem:
    """The account was stopped; told to its owner alone."""
    detail = "This account is suspended. Ask the administrator of your organization."
    return Problem(403, "account-suspended", "Account suspended", detail)


Facts = Iterator[dict[str, Any]]
