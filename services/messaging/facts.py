"""What the gate reads: the positions of both feeds and the followed rows that concern one letter.

Owns the statement that reads them, and the form in which they are stored. Refuses to decide. The rows are read
FOR SHARE, so that a change of any of them and the transaction that reads it have one order; SQLite has no such lock
and needs none, since one writer is all it ever has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from concord_formats.address import Address
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from pydantic import AwareDatetime, TypeAdapter
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    String,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.orm import Session

from . import claims, turns
from .claims import Claims
from .models import FeedPosition, KnownConsent, KnownDevice, KnownPractitioner
from .rules import Consent, Device, Facts, Grant, Party, Person, Status, Withheld


@dataclass(frozen=True)
class Question:
    """Which rows to read: those that concern a letter and whoever acts on it now, on which device."""

    letter: Address
    actor: UUID
    device: UUID


# How far each feed is applied, by its name: (epoch, number).
Positions = Mapping[str, tuple[UUID | None, int]]


@dataclass
class Known:
    """The rows that were found. `positions` are (epoch, applied) by the name of the feed."""

    positions: dict[str, tuple[UUID | None, int]] = field(default_factory=dict)
    consent: Consent | None = None
    people: dict[UUID, Person] = field(default_factory=dict)
    device: Device | None = None
    claims: Claims = claims.NOTHING

    def about(self, question: Question, recipient: UUID) -> Facts:
        """The facts of the letter to one recipient."""
        letter = question.letter
        people = self.people
        return Facts(
            letter,
            people.get(letter.sender),
            people.get(recipient),
            question.actor,
            self.device,
            self.consent,
            None if letter.on_behalf_of is None else people.get(letter.on_behalf_of),
            self.claims.delegation,
            self.claims.members.get(recipient),
        )


def read(session: Session, question: Question) -> Known:
    """Read everything, sharing the rows until the transaction ends: in one statement, and for a letter that claims
    more than its consent in a further one for each claim (`claims.py`).
    """
    letter, connection = question.letter, session.connection()
    people = [letter.sender, *letter.recipients]
    if letter.on_behalf_of is not None:
        people.append(letter.on_behalf_of)
    values: dict[str, Any] = {"consent": letter.consent, "people": people, "device": question.device}
    known = Known()
    if connection.dialect.name == "postgresql":
        right = () if letter.delegation is None else (letter.delegation,)
        values["turns"] = turns.shared((letter.consent, *people, *right))
        rows = connection.exec_driver_sql(_STATEMENT_IN_TURN, values)
    else:
        rows = connection.execute(_STATEMENT, values)
    for kind, *row in rows:
        _READERS[kind](known, row)
    known.claims = claims.read(session, letter)
    return known


def positions(session: Session) -> Positions:
    """How far each feed is applied."""
    rows = session.execute(select(FeedPosition.feed, FeedPosition.epoch, FeedPosition.applied))
    return {row.feed: (row.epoch, row.applied) for row in rows}


def parties_text(parties: Iterable[Mapping[str, str]]) -> str:
    """Parties as they stand in an event, in the form they are stored in.

    Raises pydantic's ValidationError, a ValueError.
    """
    return _PARTIES.dump_json(_PARTIES.validate_python(list(parties))).decode()


def grants_text(grants: Iterable[Mapping[str, Any]]) -> str:
    """Grants as they stand in an event, in the form they are stored in.

    Raises pydantic's ValidationError, a ValueError.
    """
    return _GRANTS.dump_json(_GRANTS.validate_json(json.dumps(list(grants)))).decode()


@dataclass(frozen=True)
class _GrantText:
    discloser: Party
    recipient: Party
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: AwareDatetime
    valid_until: AwareDatetime
    only_with: Sensitivity | None = None
    withheld: tuple[Withheld, ...] = ()
    letter: UUID | None = None


_PARTIES: TypeAdapter[tuple[Party, ...]] = TypeAdapter(tuple[Party, ...])
_GRANTS: TypeAdapter[tuple[_GrantText, ...]] = TypeAdapter(tuple[_GrantText, ...])


# The texts change with a new version of a consent only, and the gate reads the same ones for every letter under it.
@lru_cache(maxsize=4096)
def _read_parties(text: str) -> tuple[Party, ...]:
    return _PARTIES.validate_json(text)


@lru_cache(maxsize=4096)
def _read_grants(text: str) -> tuple[Grant, ...]:
    return tuple(
        Grant(
            each.discloser,
            each.recipient,
            each.purposes,
            each.information,
            each.sensitivity,
            each.valid_from,
            each.valid_until,
            each.only_with,
            each.withheld,
            each.letter,
        )
        for each in _GRANTS.validate_json(text)
    )


def _turn(_: Known, __: Row) -> None:
    """Nothing to read: it was waited for."""


def _position(known: Known, row: Row) -> None:
    epoch, _, applied, feed, *_ = row
    known.positions[feed] = (epoch, applied)


def _consent(known: Known, row: Row) -> None:
    consent, _, version, status, patient, parties, grants = row
    known.consent = Consent(consent, version, Status(status), patient, _read_parties(parties), _read_grants(grants))


def _person(known: Known, row: Row) -> None:
    person, organization, _, status, *_ = row
    if organization is not None:
        known.people[person] = Person(person, organization, Status(status))


def _device(known: Known, row: Row) -> None:
    device, holder, _, status, *_ = row
    if holder is not None:
        known.device = Device(device, holder, Status(status))


Row = Sequence[Any]
_READERS = {"turn": _turn, "position": _position, "consent": _consent, "person": _person, "device": _device}


def _shared(name: str, statement: Select[Any]) -> CTE:
    # In a WITH clause each part takes its own row locks; a union as such could take none.
    return statement.with_for_update(read=True).cte(name)


def _row(kind: str, **columns: Any) -> Select[Any]:
    """One part of the union: what is not given is a typed null."""
    types: dict[str, Any] = {
        "id": Uuid(),
        "other": Uuid(),
        "number": BigInteger(),
        "word": String(),
        "patient": String(),
        "parties": Text(),
        "grants": Text(),
    }
    filled = [columns.get(name, cast(null(), type_)).label(name) for name, type_ in types.items()]
    return select(literal_column(f"'{kind}'", String()).label("kind"), *filled)


def _parts(of_people: ColumnElement[bool]) -> list[Select[Any]]:
    consents = _shared(
        "consents", select(KnownConsent).where(KnownConsent.consent == bindparam("consent", type_=Uuid()))
    )
    people = _shared("people", select(KnownPractitioner).where(of_people))
    devices = _shared("devices", select(KnownDevice).where(KnownDevice.device == bindparam("device", type_=Uuid())))
    return [
        _row("position", id=FeedPosition.epoch, number=FeedPosition.applied, word=FeedPosition.feed),
        _row(
            "consent",
            id=consents.c.consent,
            number=cast(consents.c.version, BigInteger()),
            word=consents.c.status,
            patient=consents.c.patient,
            parties=consents.c.parties,
            grants=consents.c.grants,
        ),
        _row("person", id=people.c.practitioner, other=people.c.organization, word=people.c.status),
        _row("device", id=devices.c.device, other=devices.c.practitioner, word=devices.c.status),
    ]


def _in_turn() -> str:
    """The statement for PostgreSQL, as its driver takes it: compiled once, since every letter and window needs it.

    Its parts run in their order, so the turn comes before the first row is shared.
    """
    of_people = KnownPractitioner.practitioner == any_(bindparam("people", type_=ARRAY(Uuid())))
    statement = union_all(_row("turn", number=turns.waited_for()), *_parts(of_people))
    return str(statement.compile(dialect=psycopg.dialect()))  # type: ignore[no-untyped-call]


_STATEMENT = union_all(*_parts(KnownPractitioner.practitioner.in_(bindparam("people", expanding=True, type_=Uuid()))))
_STATEMENT_IN_TURN = _in_turn()
