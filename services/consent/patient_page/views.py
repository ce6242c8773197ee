"""What a patient sees of their consents and their account, as plain values.

Owns which rows a page shows and whose names stand there. Refuses what the giver of the code may not see, ids of people,
and an organization's own name where it chose a neutral one: then its members are not named either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import neutral_names, records, texts
from ..account import Claims, read_by
from ..models import ConsentRow, DisclosureRow, VersionRow
from ..peers import Names
from ..rules import lifecycle
from ..rules.lifecycle import Status
from ..rules.standing import standings
from ..rules.terms import Party
from .codes import Scope

PAGE = 50
Word = TypeVar("Word", Information, Purpose, Sensitivity)


@dataclass(frozen=True)
class Way:
    """Who may share with whom."""

    discloser: str
    recipient: str


@dataclass(frozen=True)
class ConsentView:
    """One consent as its patient sees it; `version` is the one in force, else the last that was."""

    id: UUID
    status: Status
    type: ConsentType
    ways: tuple[Way, ...]
    purposes: tuple[Purpose, ...]
    information: tuple[Information, ...]
    sensitivity: tuple[Sensitivity, ...]
    valid_from: datetime
    valid_until: datetime
    expires_on: ExpiryEvent | None
    revoked_at: datetime | None
    effective_at: datetime | None

    @property
    def revocable(self) -> bool:
        """Whether the patient can still revoke it."""
        return self.status in (Status.ACTIVE, Status.EXPIRED, Status.DEFICIENT) and self.revoked_at is None


@dataclass(frozen=True)
class LineView:
    """One line of the account: what happened at `at`, between whom, to which kinds of information. `on_behalf_of` is
    None when the sender wrote for themselves, and empty, as every name, when nobody knows the delegator any more.
    """

    n: int
    at: datetime
    event: str
    emergency: bool
    sender: str
    on_behalf_of: str | None
    recipient: str
    purpose: Purpose | None
    information: tuple[Information, ...]
    sensitivity: tuple[Sensitivity, ...]


class Naming:
    """Names of parties, asked of the directory once each, with neutral names in their place."""

    def __init__(self, session: Session, names: Names) -> None:
        self._session = session
        self._names = names
        self._known: dict[Party, str | None] = {}

    def of(self, party: Party) -> str | None:
        """What a party is called before a patient; None when nobody knows it any more."""
        if party not in self._known:
            self._known[party] = self._ask(party)
        return self._known[party]

    def _ask(self, party: Party) -> str | None:
        found = self._names.named(party)
        if found is None:
            return None
        organization, organization_name = found.organization
        if neutral := neutral_names.of(self._session, [organization]).get(organization):
            return neutral
        return found.name if party.kind is PartyKind.ORGANIZATION else f"{found.name}, {organization_name}"


def consents(session: Session, naming: Naming, scope: Scope, now: datetime) -> list[ConsentView]:
    """Every consent in a code's scope that was ever in force, newest first. Emergencies are in the account alone."""
    rows = [row for row in _opened(session, scope) if row.letter is None]
    shown = [_consent(session, naming, row, version, now) for row in rows if (version := _told(row)) is not None]
    return list(reversed(shown))


def consent(session: Session, naming: Naming, scope: Scope, consent_id: UUID, now: datetime) -> ConsentView | None:
    """One of them; None when it is another patient's, or between others."""
    row = next((each for each in _opened(session, scope) if each.id == consent_id and each.letter is None), None)
    version = _told(row) if row is not None else None
    return _consent(session, naming, row, version, now) if row is not None and version is not None else None


def is_opened(session: Session, scope: Scope, consent_id: UUID) -> bool:
    """Whether a code opens this consent; asks nobody for names, since stopping must never wait for them."""
    return any(each.id == consent_id for each in _opened(session, scope))


def account(session: Session, naming: Naming, scope: Scope, before: int | None) -> tuple[list[LineView], int | None]:
    """A page of the account in a code's scope, newest first, and the number to go on before; None at the end."""
    opened = DisclosureRow.consent.in_([row.id for row in _opened(session, scope)])
    query = select(DisclosureRow).where(DisclosureRow.patient == scope.patient, DisclosureRow.n.is_not(None))
    query = query.where(opened, read_by(scope.party))
    if before is not None:
        query = query.where(DisclosureRow.n < before)
    rows = session.scalars(query.order_by(DisclosureRow.n.desc()).limit(PAGE + 1)).all()
    lines = [_line(naming, row) for row in rows[:PAGE]]
    return lines, lines[-1].n if len(rows) > PAGE else None


def _opened(session: Session, scope: Scope) -> list[ConsentRow]:
    """The patient's consents that the giver of the code is a party to, oldest first."""
    rows = records.of_patient(session, scope.patient)
    return [row for row in rows if standings(scope.party, texts.terms_of(row, row.versions[-1]))]


def _told(row: ConsentRow) -> VersionRow | None:
    """The version in force, or the last that was: drafts are nobody's consent yet."""
    told = [version for version in row.versions if version.feed_seq is not None]
    return records.in_status(row, Status.ACTIVE) or (told[-1] if told else None)


def _consent(session: Session, naming: Naming, row: ConsentRow, version: VersionRow, now: datetime) -> ConsentView:
    text = texts.text_of(row, version)
    terms = text.terms
    live = [each for each in text.directions if each.live(text.evidence)]
    return ConsentView(
        id=row.id,
        status=lifecycle.shown(Status(version.status), text, now),
        type=terms.type,
        ways=tuple(Way(_called(naming, each.discloser), _called(naming, each.recipient)) for each in live),
        purposes=_sorted(Purpose, terms.purposes),
        information=_sorted(Information, terms.information),
        sensitivity=_sorted(Sensitivity, terms.sensitivity),
        valid_from=terms.valid_from,
        valid_until=text.ended_at or terms.valid_until,
        expires_on=terms.expires_on,
        revoked_at=row.revoked_at,
        effective_at=records.effective_at(session, version) if row.revoked_at else None,
    )


def _line(naming: Naming, row: DisclosureRow) -> LineView:
    assert row.n is not None  # noqa: S101 - asked for in the query
    delegator = Claims.of(row).on_behalf_of
    return LineView(
        n=row.n,
        at=row.at,
        event=row.event,
        emergency=row.basis == "emergency",
        sender=_called(naming, Party(PartyKind.PRACTITIONER, row.sender)),
        on_behalf_of=_called(naming, Party(PartyKind.PRACTITIONER, delegator)) if delegator else None,
        recipient=_called(naming, Party(PartyKind.PRACTITIONER, row.recipient)),
        purpose=Purpose(row.purpose) if row.purpose in set(Purpose) else None,
        information=_sorted(Information, _words(Information, row.information)),
        sensitivity=_sorted(Sensitivity, _words(Sensitivity, row.sensitivity)),
    )


def _called(naming: Naming, party: Party) -> str:
    return naming.of(party) or ""


def _sorted(words: type[Word], chosen: Iterable[Word]) -> tuple[Word, ...]:
    order = list(words)
    return tuple(sorted(chosen, key=order.index))


def _words(words: type[Word], texts: Iterable[str]) -> list[Word]:
    known: Mapping[str, Word] = {word.value: word for word in words}
    return [known[text] for text in texts if text in known]
