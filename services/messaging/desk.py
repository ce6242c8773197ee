"""The verbs of one process, put together on its collaborators.

Owns the composition of messaging's own parts. Refuses settings' sources and peers: `app.py` brings those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.chassis.clock import Clock
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.wake import Notifier

from .gate import Gate, Leases
from .handout import Handout
from .held import Held
from .intake import Intake
from .letters import Letters
from .mailbox import Mailbox
from .receipts import Receipts
from .team_inbox import TeamInbox
from .usecases import Sending


@dataclass(frozen=True)
class Desk:
    """Everything one process can do with letters."""

    gate: Gate
    sending: Sending
    handout: Handout
    mailbox: Mailbox
    team_inbox: TeamInbox
    letters: Letters
    receipts: Receipts
    held: Held
    intake: Intake
    letter_max_bytes: int


def compose(
    settings: Settings, database: Database, notifier: Notifier, clock: Clock, leases: Mapping[str, Leases]
) -> Desk:
    """The verbs on these collaborators. `leases` are this process's own, by the name of the feed."""
    gate = Gate(
        database,
        clock,
        leases,
        deadline=settings.gate_deadline_seconds,
        hold_while_sending=database.is_postgresql,
    )
    intake = Intake(database, clock)
    held_for = timedelta(days=settings.held_letters_expire_days)
    return Desk(
        gate=gate,
        sending=Sending(database, clock, notifier, gate, intake, held_for=held_for),
        handout=Handout(database, clock, notifier, gate),
        mailbox=Mailbox(
            database,
            clock,
            notifier,
            most_waiting=settings.long_polls_max,
            longest_wait=settings.long_poll_max_seconds,
        ),
        team_inbox=TeamInbox(gate),
        letters=Letters(database),
        receipts=Receipts(database, clock, notifier),
        held=Held(database, clock, notifier, gate),
        intake=intake,
        letter_max_bytes=settings.letter_max_bytes,
    )
