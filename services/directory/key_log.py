"""The key log: one leaf for every change of anybody's keys, in one order for all.

Owns the recording of bindings and where each stands (`spec/key-log.md`). A leaf is appended in the transaction that
records the key entry, and the checkpoint that reaches it is signed in it too. Refuses to change a leaf, and to judge an
entry: `keys.py` has done that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.key_entries import EntryKind, KeyEntry, SignedEntry
from concord_formats.key_log import Binding, BindingKind
from sqlalchemy import Select, and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.failpoints import reach

from . import checkpoints
from .deps import Deps
from .key_tree import TREE, AlteredKeyLogError
from .models import KeyEntryRow, KeyLeafRow, KeyLogRow, Practitioner

# Entries that are logged late, in one transaction: all others who record something wait for it.
LATE_AT_ONCE = 100
# Who somebody is, is said where it can be new, so that its owner, or who bears the same name, sees it.
_NAMES_SOMEBODY = (BindingKind.ENROLLED, BindingKind.RECOVERED, BindingKind.RECOVERY_ANNOUNCED)


def record(  # noqa: PLR0913 - a binding has so many members
    deps: Deps,
    session: Session,
    *,
    account: UUID,
    n: int,
    kind: BindingKind,
    entry_digest: str,
    at: datetime,
    person: Practitioner | None = None,
    effective_from: datetime | None = None,
    attestations: Sequence[str] | None = None,
) -> int:
    """Append one binding, and sign the checkpoint that reaches it, in the caller's transaction; the leaf's index.

    Do it last, after every event of the feed: the log stays locked until the commit, and whoever took the two locks in
    the other order would wait for ever. `person` is looked up unless given, for the kinds that name somebody. Raises
    pydantic's `ValidationError` for members that its kind does not take, `AlteredKeyLogError`.
    """
    session.flush()
    log = TREE.lock(session)
    _log_late(session, log, account, n, at)
    who = _who(person or session.get_one(Practitioner, account)) if kind in _NAMES_SOMEBODY else {}
    # In one order, whichever administrator was first: the leaf that announces and the one that records say the same.
    told = {"effective_from": effective_from, "attestations": tuple(sorted(attestations)) if attestations else None}
    binding = Binding(v=1, account=account, n=n, kind=kind, entry=entry_digest, at=at, **who, **told)
    try:
        index = _append(session, log, binding)
        checkpoints.sign(deps, session, log)
        session.flush()
    except IntegrityError:  # something stands where the log ends: it was longer
        raise AlteredKeyLogError from None
    reach("key_log.after_append")
    return index


def places(deps: Deps, account: UUID, entries: int) -> list[int]:
    """The index of the leaf of each of the first `entries` entries of an account, in their order."""
    leaves = select(KeyLeafRow.place).where(KeyLeafRow.account == account, KeyLeafRow.n <= entries)
    for _ in range(2):
        with deps.database.transaction() as session:
            found = list(session.scalars(leaves.order_by(KeyLeafRow.n)))
        if len(found) == entries:
            break
        log_late(deps, account)
    return found


def log_late(deps: Deps, account: UUID | None = None) -> int:
    """Log entries (of one account, or of all) that a process of an earlier version recorded without; how many."""
    late = _unlogged().limit(LATE_AT_ONCE)
    late = late if account is None else late.where(KeyEntryRow.practitioner_id == account)
    with deps.database.transaction() as session:
        if session.scalars(late.limit(1)).first() is None:
            return 0
        log = TREE.lock(session)
        rows = session.scalars(late).all()  # again: another process may have been at it
        for row in rows:
            _append_late(session, log, row, deps.clock.now())
        checkpoints.sign(deps, session, log)
        return len(rows)


def _log_late(session: Session, log: KeyLogRow, account: UUID, n: int, now: datetime) -> None:
    """An earlier entry of this account that is not logged yet comes before this one: readers see them in order."""
    own = _unlogged().where(KeyEntryRow.practitioner_id == account, KeyEntryRow.n < n)
    for row in session.scalars(own).all():
        _append_late(session, log, row, now)


def _unlogged() -> Select[KeyEntryRow]:
    """Entries without a leaf, those of one account by their numbers."""
    logged = and_(KeyLeafRow.account == KeyEntryRow.practitioner_id, KeyLeafRow.n == KeyEntryRow.n)
    entries = select(KeyEntryRow).outerjoin(KeyLeafRow, logged).where(KeyLeafRow.place.is_(None))
    return entries.order_by(KeyEntryRow.n, KeyEntryRow.recorded_at, KeyEntryRow.practitioner_id)


def _append_late(session: Session, log: KeyLogRow, row: KeyEntryRow, now: datetime) -> None:
    entry = KeyEntry.model_validate_json(row.entry)
    who = _who(session.get_one(Practitioner, entry.account)) if entry.kind is EntryKind.ENROLLED else {}
    digest = SignedEntry(row.entry, row.signature).digest
    kind = BindingKind(entry.kind)
    _append(session, log, Binding(v=1, account=entry.account, n=entry.n, kind=kind, entry=digest, at=now, **who))


def _append(session: Session, log: KeyLogRow, binding: Binding) -> int:
    leaf = KeyLeafRow(place=log.size, account=binding.account, data=binding.encode())
    leaf.n = binding.n if binding.kind.records_entry else None
    TREE.append(session, log, leaf)
    return leaf.place


def _who(person: Practitioner) -> dict[str, Any]:
    return {"name": person.name, "npi": person.npi, "organization": person.organization_id, "role": person.role}
