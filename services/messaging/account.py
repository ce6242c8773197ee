"""The authoritative account of disclosures: what happened to letters, numbered without a gap for each patient.

Owns the numbers, the lines and their replay to the consent service (45 CFR 164.528; 42 CFR 2.25). A line is written in
the transaction in which its fact becomes true: if it cannot be recorded, it does not happen. Refuses to change a line,
and to know who may read one: the consent service does. Specified in `spec/account.md`.

The counter of a patient is locked from its line to the commit, so that numbers become visible in their order. It is
taken after every other lock of its transaction: whoever holds it waits for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.orm import Session

from services.chassis import outbox, tracing
from services.chassis.db import Database
from services.chassis.event import Event

from .models import DisclosureRow, Outbox, PatientAccount

# An event in JSON ends with its data, and its data with the number: what stands around it when the number is 0.
_TAIL = b"}}"
_UNNUMBERED = b'"n":0' + _TAIL


@dataclass(frozen=True)
class Line:
    """One line: its number and the exact bytes of its event."""

    n: int
    event: str


@dataclass(frozen=True)
class Count:
    """How many lines a patient's account has."""

    patient: str
    last: int


def head(event: Event) -> bytes:
    """The bytes of an event up to its number; after it stands `}}`. Raises ValueError for an event with another end."""
    body = numbered(event, 0).encode()
    if not body.endswith(_UNNUMBERED):
        raise ValueError("an event that ends with its number")
    return body[: -len(_TAIL) - 1]


def numbered(event: Event, n: int) -> Event:
    """The event as line `n`."""
    return event.model_copy(update={"data": event.data | {"n": n}})


def disclose(session: Session, patient: str, events: Sequence[Event]) -> None:
    """Add events to a patient's account and to the outbox, in this transaction, in their order.

    Taken last: see above.
    """
    if session.connection().dialect.name == "postgresql":
        values = {"patient": patient, "events": [head(event) for event in events], "trace": tracing.current()}
        session.connection().exec_driver_sql(_AT_ONCE, values)
    else:
        _by_steps(session, patient, events)


class Replay:
    """The account as the consent service may ask for it again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, patient: str, after: int, limit: int) -> tuple[list[Line], int]:
        """At most `limit` lines of a patient after a number, in order, and the number of the last there is."""
        rows = select(DisclosureRow.n, DisclosureRow.body).where(
            DisclosureRow.patient == patient, DisclosureRow.n > after
        )
        with self._database.transaction() as session:
            # The count first: a line that is committed in between is then beyond it, and never missing before it.
            last = session.scalar(select(PatientAccount.last).where(PatientAccount.patient == patient)) or 0
            found = session.execute(rows.order_by(DisclosureRow.n).limit(limit)).all()
        return [Line(n, body.decode()) for n, body in found], last

    def counts(self, after: str, limit: int) -> list[Count]:
        """The counts of at most `limit` patients, in the order of their tokens, after a token."""
        query = select(PatientAccount).where(PatientAccount.patient > after).order_by(PatientAccount.patient)
        with self._database.transaction() as session:
            return [Count(row.patient, row.last) for row in session.scalars(query.limit(limit))]


def lines_at_once(count: str) -> str:
    """The parts of a WITH clause that number, keep and tell the heads of events in the parameter `events`.

    `count` is a query for how many there are: PostgreSQL runs the part that it reads from before the counter is locked.
    """
    return f"""
    counted AS (
        INSERT INTO patient_account AS own (patient, last) SELECT %(patient)s, number FROM ({count}) taking (number)
        ON CONFLICT (patient) DO UPDATE SET last = own.last + excluded.last
        RETURNING last
    ), line AS (
        SELECT last - cardinality(%(events)s::bytea[]) + place AS n, head
        FROM counted, unnest(%(events)s::bytea[]) WITH ORDINALITY AS each (head, place)
    ), kept_line AS (
        INSERT INTO disclosure (patient, n, body)
        SELECT %(patient)s, n, head || convert_to(n::text, 'UTF8') || '}}}}'::bytea FROM line ORDER BY n
        RETURNING n, body
    )"""  # noqa: S608 - a constant of ours


def _by_steps(session: Session, patient: str, events: Sequence[Event]) -> None:
    connection = session.connection()
    last: int = connection.execute(_TAKE_NUMBERS, {"patient": patient, "count": len(events)}).scalar_one()
    told = [numbered(event, last - len(events) + place) for place, event in enumerate(events, start=1)]
    rows: list[dict[str, Any]] = [{"patient": patient, "n": each.data["n"], "body": each.encode()} for each in told]
    connection.execute(insert(DisclosureRow), rows)
    for each in told:
        outbox.record(session, Outbox, each)


_TAKE_NUMBERS = text(
    f"INSERT INTO {PatientAccount.__tablename__} AS own (patient, last) VALUES (:patient, :count) "  # noqa: S608
    "ON CONFLICT (patient) DO UPDATE SET last = own.last + excluded.last RETURNING last"
).bindparams(bindparam("patient"), bindparam("count"))
_AT_ONCE = f"""
    WITH {lines_at_once("SELECT cardinality(%(events)s::bytea[])")}
    INSERT INTO outbox (body, traceparent) SELECT body, %(trace)s::text FROM kept_line ORDER BY n
"""  # noqa: S608 - a constant of ours
