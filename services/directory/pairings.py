"""Pairings: a new device asks, one that is in answers, and neither has signed in as the other.

Owns what is kept between the two, each part once. Refuses to change what was put: what the owner has looked at is what
they answer. Refuses strangers: who has not the pairing's credential learns not even that there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.problems import Problem, not_found

from .deps import Deps, acting
from .devices import acting_until_the_end, lock_account
from .models import Pairing, Practitioner
from .rules import credentials, pairings
from .rules.pairings import State
from .rules.people import Status


@dataclass(frozen=True)
class Shown:
    """A pairing as its owner sees it."""

    state: State
    request: bytes | None


def open_pairing(deps: Deps, caller: Caller, verifier: str) -> Pairing:
    """Wait for a device that has the credential of this verifier.

    Raises problem 409 `too-many-pairings`, and those of `acting`.
    """
    now = deps.clock.now()
    with deps.database.transaction() as session:
        acting_until_the_end(session, caller)
        lock_account(session, caller.practitioner)
        mine = (Pairing.practitioner_id == caller.practitioner, Pairing.expires_at > now)
        if (session.scalar(select(func.count()).select_from(Pairing).where(*mine)) or 0) >= pairings.OPEN_AT_ONCE:
            raise _too_many()
        row = Pairing(
            id=uuid4(),
            practitioner_id=caller.practitioner,
            device_id=caller.device,
            verifier=verifier,
            expires_at=now + pairings.VALID_FOR,
        )
        session.add(row)
    return row


def request(deps: Deps, pairing: UUID, credential: bytes, sealed: bytes) -> None:
    """The device that joins says what it is. The same again changes nothing.

    Raises problem 404, 409 `pairing-taken` when another device was first.
    """
    with deps.database.transaction() as session:
        row = _with_credential(deps, session, pairing, credential)
        if row.request not in (None, sealed):
            raise _taken()
        row.request = sealed


def show(deps: Deps, caller: Caller, pairing: UUID) -> Shown:
    """Where a pairing of the caller's account stands. Raises problem 404, and those of `acting`."""
    with deps.database.transaction() as session:
        acting(session, caller)
        row = _own(session, caller, pairing)
        state = _seen(row).state(deps.clock.now())
        return Shown(state, None if state is State.EXPIRED else row.request)


def answer(deps: Deps, caller: Caller, pairing: UUID, sealed: bytes) -> None:
    """Answer the request that stands. The same again changes nothing.

    Raises problem 404, 409 `pairing-not-answerable` or `pairing-taken`, and those of `acting`.
    """
    with deps.database.transaction() as session:
        acting_until_the_end(session, caller)
        row = _own(session, caller, pairing, lock=True)
        if _seen(row).state(deps.clock.now()) not in (State.REQUESTED, State.ANSWERED):
            raise _not_answerable()
        if row.answer not in (None, sealed):
            raise _taken()
        row.answer = sealed


def take_answer(deps: Deps, pairing: UUID, credential: bytes) -> bytes | None:
    """The answer for the device that joins, or None while there is none. Raises problem 404."""
    with deps.database.transaction() as session:
        return _with_credential(deps, session, pairing, credential).answer


def give_up(deps: Deps, caller: Caller, pairing: UUID) -> None:
    """Wait no longer; again changes nothing. Raises the problems of `acting`."""
    with deps.database.transaction() as session:
        acting_until_the_end(session, caller)
        own = (Pairing.id == pairing, Pairing.practitioner_id == caller.practitioner)
        session.execute(delete(Pairing).where(*own))


def sweep(session: Session, now: datetime) -> None:
    """Forget what was in a pairing when it is over, and an hour later that it ever was.

    What somebody holds is left for the next time: whoever revokes a device does not wait for this, nor in a circle.
    """
    forgotten = Pairing.expires_at <= now - pairings.TOLD_FOR
    filled = or_(Pairing.request.is_not(None), Pairing.answer.is_not(None))
    over = select(Pairing.id).with_for_update(skip_locked=True)
    gone = delete(Pairing).where(Pairing.id.in_(over.where(forgotten)))
    emptied = update(Pairing).where(Pairing.id.in_(over.where(Pairing.expires_at <= now, filled)))
    for statement in (gone, emptied.values(request=None, answer=None)):
        session.execute(statement.execution_options(synchronize_session=False))


def _with_credential(deps: Deps, session: Session, pairing: UUID, credential: bytes) -> Pairing:
    """The pairing that a credential opens, locked: unknown, over, of a suspended account or of another credential read
    the same.
    """
    row = session.get(Pairing, pairing, with_for_update=True)
    right = credentials.opens(row.verifier if row else None, credential)
    if row is None or not right or _seen(row).state(deps.clock.now()) is State.EXPIRED:
        raise not_found("pairing")
    if session.get_one(Practitioner, row.practitioner_id).status != Status.ACTIVE:
        raise not_found("pairing")
    return row


def _own(session: Session, caller: Caller, pairing: UUID, *, lock: bool = False) -> Pairing:
    row = session.get(Pairing, pairing, with_for_update=lock or None)
    if row is None or row.practitioner_id != caller.practitioner:
        raise not_found("pairing")
    return row


def _seen(row: Pairing) -> pairings.Pairing:
    return pairings.Pairing(row.expires_at, row.request is not None, row.answer is not None)


def _too_many() -> Problem:
    detail = f"{pairings.OPEN_AT_ONCE} pairings of this account wait already. Give one up, or let it expire."
    return Problem(409, "too-many-pairings", "Too many pairings", detail)


def _taken() -> Problem:
    detail = "This pairing was used by another device, or answered otherwise. Open a new one."
    return Problem(409, "pairing-taken", "Pairing taken", detail)


def _not_answerable() -> Problem:
    detail = "This pairing has no request yet, or has expired. Wait for the request, or open a new one."
    return Problem(409, "pairing-not-answerable", "Nothing to answer", detail)
