"""Backups: an account's keyring, sealed to a code on paper, for the day when no device is left.

Owns the one backup that each account has, and what its owner is told about it. Refuses to go back: a device that was
away for long does not put its older keyring in the place of a newer one. Refuses to give it out: that is `recoveries`.
"""

from __future__ import annotations

from sqlalchemy import update

from services.chassis.auth import Caller
from services.chassis.problems import Problem, invalid_field, not_found

from ..deps import Deps, acting
from ..devices import acting_until_the_end, lock_account
from ..models import Backup
from ..rules import backups


def store(deps: Deps, caller: Caller, sealed: bytes, verifier: str, generation: int) -> int:
    """Put a backup in the place of the one before; the same again changes nothing. Returns the generation stored.

    Raises problem 409 `backup-older` unless it is of a later generation, 422, and the problems of `acting`.
    """
    with deps.database.transaction() as session:
        acting_until_the_end(session, caller)
        lock_account(session, caller.practitioner)
        row = session.get(Backup, caller.practitioner, with_for_update=True)
        if row is None:
            row = Backup(practitioner_id=caller.practitioner, generation=0, failed=0)
            session.add(row)
        elif (row.generation, row.backup, row.verifier) == (generation, sealed, verifier):
            return generation
        _check_generation(row.generation, generation)
        row.backup, row.verifier, row.generation, row.stored_at = sealed, verifier, generation, deps.clock.now()
    return generation


def _check_generation(stored: int, generation: int) -> None:
    if not backups.follows(stored, generation):
        raise _older()
    if backups.leaps(stored, generation):
        raise invalid_field("generation", f"must be at most {backups.MAX_STEP} above the one stored")


def stored(deps: Deps, caller: Caller) -> Backup:
    """What is known of the caller's backup. Raises problem 404 when there is none, and those of `acting`."""
    with deps.database.transaction() as session:
        acting(session, caller)
        row = session.get(Backup, caller.practitioner)
        if row is None:
            raise not_found("backup")
        return row


def acknowledge(deps: Deps, caller: Caller) -> None:
    """Their owner has read of the wrong tries: count from nothing. Raises the problems of `acting`."""
    with deps.database.transaction() as session:
        acting(session, caller)
        own = Backup.practitioner_id == caller.practitioner
        session.execute(update(Backup).where(own).values(failed=0, last_failed_at=None))


def _older() -> Problem:
    detail = "A backup of this generation or a later one is stored. Fetch its generation, and back up anew above it."
    return Problem(409, "backup-older", "Backup is not the newest", detail)
