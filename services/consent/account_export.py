"""The account of one patient, exported: every line with its proof, under one signed checkpoint.

Owns what a reader may see of it. A line that is not theirs to read is there as well, blinded: its number and its proof,
nothing of what it says. Refuses to leave a line out, which is what an export is there to show. Specified
in `spec/account.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from concord_formats.account import AccountCount
from concord_formats.notes import Checkpoint, NoteError, unverified_text
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.problems import Problem, invalid_field, not_found

from . import account_log, records, texts
from .account_alarm import Alarm, Alarms
from .account_key import AccountKey
from .models import AccountCheckpointRow, AccountLeafRow, DisclosureRow
from .rules.lifecycle import Deed
from .rules.sight import Happening, sees
from .rules.standing import Actor, Patient, may, standings


@dataclass(frozen=True)
class Line:
    """One line. Salt and event are there for whoever may see it; else there is the data of its leaf."""

    n: int
    index: int
    proof: Sequence[bytes]
    salt: bytes | None = None
    event: bytes | None = None
    leaf: bytes | None = None


@dataclass(frozen=True)
class Page:
    """Lines in the order of their numbers, of the `last` that there are; `next` is where the following page begins."""

    patient: str
    made_at: datetime
    checkpoint: str
    count: str
    last: int
    lines: Sequence[Line]
    next: int | None


class AlteredLogError(Problem):
    """The log is not the one of which a checkpoint of `size` leaves was given out; a former key signed that."""

    def __init__(self, size: int) -> None:
        detail = (
            "What is stored is not what was recorded. Nothing is signed until a person has looked: tell the operator."
        )
        super().__init__(500, "account-altered", "Account altered", detail)
        self.size = size


@dataclass(frozen=True)
class Log:
    """The log as others see it: exports, checkpoints, consistency."""

    database: Database
    clock: Clock
    key: AccountKey

    def export(self, actor: Actor, patient: str, size: int | None, after: int, limit: int) -> Page:
        """At most `limit` lines after the number `after`, as of the log of `size` leaves (None: as it is now).

        Raises problem 404 to whoever is no party to any consent of the patient, 422 for a size that has no checkpoint.
        """
        with self._reading() as session:
            readable = _readable(session, actor, patient)
            size = account_log.size(session) if size is None else _known(session, size)
            checkpoint = self._checkpoint(session, size)
            last = _last(session, patient, size)
            rows = _lines(session, patient, size, after, limit)
            proofs = account_log.inclusion(session, [leaf.place for leaf, _ in rows], size)
        lines = [_line(leaf, row, proofs[leaf.place], readable) for leaf, row in rows]
        count = self.key.sign(AccountCount(patient, last, size))
        following = lines[-1].n if lines and lines[-1].n < last else None
        return Page(patient, self.clock.now(), checkpoint, count, last, lines, following)

    def checkpoint(self) -> str:
        """The signed checkpoint of the log as it is now."""
        with self._reading() as session:
            return self._checkpoint(session, account_log.size(session))

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The proof that the log only grew between two sizes. Raises problem 422 for sizes that it never had."""
        with self.database.transaction() as session:
            if not size1 <= size2 <= account_log.size(session):
                raise invalid_field("size2", "name two sizes that the log has had, the smaller one first")
            return account_log.consistency(session, size1, size2)

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        try:
            with self.database.transaction() as session:
                yield session
        except AlteredLogError as error:  # after its transaction: SQLite has one writer
            Alarms(self.database, self.clock).raise_(Alarm.CHANGED, f"checkpoint of size {error.size}")
            raise

    def _checkpoint(self, session: Session, size: int) -> str:
        """One checkpoint a size, ever: what was given out is what is given out again."""
        known = session.get(AccountCheckpointRow, size)
        if known is not None and self.key.signed(known.note):
            return known.note
        said = Checkpoint(self.key.verifier.name, size, account_log.root(session, size))
        note = self.key.sign(said)
        if known is not None:
            if not _says(known.note, said):  # what a former key signed is evidence, and stays
                raise AlteredLogError(size)
            known.note = note  # what is given out is under one key
            return note
        insert = postgresql.insert if self.database.is_postgresql else sqlite.insert
        session.execute(insert(AccountCheckpointRow).values(size=size, note=note).on_conflict_do_nothing())
        return note


def _says(note: str, said: Checkpoint) -> bool:
    """Whoever signed it: the key may have been lost since, and another one put in its place."""
    try:
        return unverified_text(note) == said.encode()
    except NoteError:
        return False


def _readable(session: Session, actor: Actor, patient: str) -> Callable[[DisclosureRow], bool]:
    """Which lines `actor` reads. Raises problem 404 to a stranger."""
    consents = records.of_patient(session, patient)
    held = {each.id: standings(actor, texts.terms_of(each, each.versions[-1])) for each in consents}
    own = {consent for consent, each in held.items() if may(Deed.ACCOUNT, each)}
    # A patient's is the account itself, also where no consent of it is known here.
    if not own and not (isinstance(actor, Patient) and actor.token == patient):
        raise not_found("account")
    return lambda row: sees(actor, own, Happening(row.event, row.consent, row.sender, row.sender_organization))


def _known(session: Session, size: int) -> int:
    if session.get(AccountCheckpointRow, size) is None:
        raise invalid_field("size", "use the size of the checkpoint of the page before")
    return size


def _last(session: Session, patient: str, size: int) -> int:
    query = select(func.max(AccountLeafRow.n)).where(AccountLeafRow.patient == patient, AccountLeafRow.place < size)
    return session.scalar(query) or 0


def _lines(
    session: Session, patient: str, size: int, after: int, limit: int
) -> Sequence[tuple[AccountLeafRow, DisclosureRow | None]]:
    query = (
        select(AccountLeafRow, DisclosureRow)
        .outerjoin(DisclosureRow, DisclosureRow.leaf == AccountLeafRow.place)
        .where(AccountLeafRow.patient == patient, AccountLeafRow.place < size, AccountLeafRow.n > after)
        .order_by(AccountLeafRow.n)
        .limit(limit)
    )
    return [(leaf, row) for leaf, row in session.execute(query)]


def _line(
    leaf: AccountLeafRow, row: DisclosureRow | None, proof: Sequence[bytes], readable: Callable[[DisclosureRow], bool]
) -> Line:
    """A line whole, or blinded: not for this reader, or erased."""
    if row is None or not readable(row):
        return Line(leaf.n, leaf.place, proof, leaf=leaf.data)
    return Line(leaf.n, leaf.place, proof, salt=row.salt, event=row.body)
