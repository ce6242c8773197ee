"""What the consent service works with, handed to every use case.

Owns the list of collaborators. Refuses to make them: `app.build` does for a process, and tests pass their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.event import Event

from .peers import Parties


class Appends(Protocol):
    """The feed, as far as a change needs it."""

    def append(self, session: Session, event_type: str, subject: str, data: dict[str, Any]) -> Event:
        """Number the change and record its event, in the caller's transaction; the event carries epoch and sequence."""


class Awaits(Protocol):
    """The barrier, as far as a change needs it."""

    def await_effective(self, seq: int, timeout: float) -> bool:
        """Whether the change numbered `seq` holds at every enforcement point, waiting at most `timeout` seconds."""


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


class OutsideFeedError(RuntimeError):
    """The feed answered with an event that carries no number."""


def number_of(event: Event) -> tuple[UUID, int]:
    """The epoch and the sequence of a feed's event."""
    if event.epoch is None or event.sequence is None:
        raise OutsideFeedError("an event of a feed carries its epoch and sequence")
    return event.epoch, event.sequence
