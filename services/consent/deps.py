"""What the consent service works with, handed to every use case.

Owns the list of collaborators. Refuses to make them: `app.build` does for a process, and tests pass their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.feed import Number

from .peers import Parties


class Appends(Protocol):
    """The feed, as far as a change needs it."""

    def append(self, session: Session, event_type: str, subject: str, data: dict[str, Any]) -> Event:
        """Number the change and record its event, in the caller's transaction; the event carries epoch and sequence."""


class Awaits(Protocol):
    """The barrier, as far as a change needs it."""

    def await_effective(self, change: Number, timeout: float) -> bool:
        """Whether a change holds at every enforcement point, waiting at most `timeout` seconds.

        Raises `DatabaseUnavailableError` when a fail-over lost the change.
        """


class Wakes(Protocol):
    """The notifier, as far as a change needs it."""

    def notify(self, channel: str, key: str = "") -> None:
        """Wake whoever waits on the channel; called after the commit."""


@dataclass(frozen=True)
class Collaborators:
    """Everything a use case may use."""

    database: Database
    clock: Clock
    feed: Appends
    barrier: Awaits
    notifier: Wakes
    parties: Parties
    public_url: str = ""
