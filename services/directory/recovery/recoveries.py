"""Recoveries: who has the credential of an account's recovery code fetches the backup, and adds a device.

Owns the counting of wrong credentials, for the address they came from and for the account they were tried on. Refuses
to tell an account that is not there, or has no backup, from a wrong credential: both are counted, and read the same.
Refuses every other change of keys than a device that is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.key_entries import EntryKind, KeyEntry, SignedEntry, read_entry
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.guesses import Guesses
from services.chassis.problems import Problem

from .. import keys
from ..deps import Deps, account_suspended
from ..devices import lock_account
from ..models import Backup, Practitioner, RecoveryGuesses
from ..openid import single_sign_on_admission
from ..rules import credentials
from ..rules.backups import GUESSES, GUESSING_WINDOW
from ..rules.people import Status

_OF_ADDRESS = Guesses(RecoveryGuesses, "concord recovery by address", GUESSES, GUESSING_WINDOW)
_FOR_ACCOUNT = Guesses(RecoveryGuesses, "concord recovery of account", GUESSES, GUESSING_WINDOW)


@dataclass(frozen=True)
class Claim:
    """Who says to be the owner of an account: by which credential, and from which network."""

    account: UUID
    credential: bytes
    network: str


@dataclass(frozen=True)
class Recovered:
    """The backup, sealed, and the key history that the next entry must follow."""

    backup: bytes
    generation: int
    entries: Sequence[SignedEntry]


def fetch(deps: Deps, claim: Claim) -> Recovered:
    """The backup of an account, for its credential.

    Raises problem 403 `recovery-refused` or `account-suspended`, 429 `too-many-guesses`.
    """
    row = _opened(deps, claim)
    return Recovered(row.backup, row.generation, keys.history(deps, claim.account))


def add_device(deps: Deps, claim: Claim, signed: SignedEntry) -> keys.Recorded:
    """Record the entry that adds a device, for an account's credential. The same entry again changes nothing.

    Raises the problems of `fetch` and of `single_sign_on_admission.admit`, 409 `key-entry-conflict`, 422
    `invalid-key-entry`.
    """
    _opened(deps, claim)
    entries = keys.history(deps, claim.account)
    if signed in entries:
        return keys.Recorded(_adding(read_entry(signed)), None)
    entry = _adding(keys.checked(claim.account, entries, signed))  # outside any transaction, as an enrolment
    try:
        with deps.database.transaction() as session:
            lock_account(session, claim.account)
            _check(session, claim, session.get(Backup, claim.account, with_for_update=True))
            single_sign_on_admission.admit(deps, session, session.get_one(Practitioner, claim.account), signed.digest)
            keys.record(deps, session, entry, signed)
    except IntegrityError:
        raise keys.taken() from None
    deps.changed()
    return keys.Recorded(entry, None)


def check(deps: Deps, claim: Claim) -> None:
    """Whether a claim is right; a wrong one is counted. Raises the problems of `fetch`."""
    _opened(deps, claim)


def sweep(session: Session, now: datetime) -> None:
    """Forget the guesses whose window has passed."""
    _OF_ADDRESS.sweep(session, now)


def _adding(entry: KeyEntry) -> KeyEntry:
    if entry.kind is not EntryKind.DEVICE_ADDED:
        raise keys.invalid_entry("a recovery code adds a device, and changes nothing else")
    return entry


def _opened(deps: Deps, claim: Claim) -> Backup:
    """The backup that a claim opens. A wrong one is counted, which must stand before it is told."""
    with deps.database.transaction() as session:
        opened = _counted(session, claim, deps.clock.now())
    if isinstance(opened, Problem):
        raise opened
    return opened


def _counted(session: Session, claim: Claim, now: datetime) -> Backup | Problem:
    """The backup, or how a wrong claim is refused. Counted before it is compared: of those that come at once from one
    address, none passes the limit.
    """
    tried = _OF_ADDRESS.count(session, claim.network, now)
    if tried.number > GUESSES:
        raise _too_many(tried.until, now)
    row = session.get(Backup, claim.account, with_for_update=True)
    try:
        right = _check(session, claim, row)
    except WrongCredentialError as refused:
        if row is not None:
            row.failed, row.last_failed_at = row.failed + 1, now
        of_account = _FOR_ACCOUNT.count(session, str(claim.account), now)
        refused.more["left"] = GUESSES - max(tried.number, of_account.number)
        return _too_many(of_account.until, now) if of_account.number > GUESSES else refused
    _OF_ADDRESS.take_back(session, claim.network)
    right.used_at = now
    _ = right.backup  # what is sealed is read for a right credential alone
    return right


def _check(session: Session, claim: Claim, row: Backup | None) -> Backup:
    """The row, if the claim is right. Raises `WrongCredentialError`, problem 403 `account-suspended`: that is told to
    whoever has the credential, and to nobody else.
    """
    if not credentials.opens(row.verifier if row else None, claim.credential) or row is None:
        raise WrongCredentialError
    if session.get_one(Practitioner, claim.account).status != Status.ACTIVE:
        raise account_suspended()
    return row


class WrongCredentialError(Problem):
    """No such account, no backup, or another credential: all read the same. `left` is how many more are taken now."""

    def __init__(self) -> None:
        detail = "No backup opens with this. Check the account and the code; of several sheets only the newest counts."
        super().__init__(403, "recovery-refused", "Recovery refused", detail)


def _too_many(until: datetime, now: datetime) -> Problem:
    detail = "Too many recovery codes were tried from here or for this account. Wait, then try again."
    problem = Problem(429, "too-many-guesses", "Too many guesses", detail)
    return problem.with_header("Retry-After", str(max(1, math.ceil((until - now).total_seconds()))))
