"""Sessions of the patient's page.

Owns their rows: who is signed in, until when, and the token that every form of theirs must bring back. Refuses to keep
a cookie's value: its digest is enough to know it again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ..models import PatientSessionRow
from ..rules.standing import Member
from .codes import Scope

# A page left open on a shared computer closes itself.
IDLE = timedelta(minutes=15)


@dataclass(frozen=True)
class SignedIn:
    """A patient's session, as a page needs it."""

    scope: Scope
    csrf: str
    cookie_sha256: str

    def accepts(self, csrf: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


def begin(session: Session, scope: Scope, now: datetime) -> str:
    """Begin a session; the value of its cookie."""
    cookie = secrets.token_urlsafe(32)
    row = PatientSessionRow(
        cookie_sha256=_digest(cookie),
        patient=scope.patient,
        practitioner=scope.party.practitioner,
        organization=scope.party.organization,
        csrf=secrets.token_urlsafe(32),
        seen_at=now,
    )
    session.add(row)
    return cookie


def find(session: Session, cookie: str, now: datetime) -> SignedIn | None:
    """The session of a cookie, used now; None when there is none or it was idle for too long."""
    row = session.get(PatientSessionRow, _digest(cookie))
    if row is None or row.seen_at <= now - IDLE:
        return None
    row.seen_at = now
    scope = Scope(row.patient, Member(row.practitioner, row.organization))
    return SignedIn(scope, row.csrf, row.cookie_sha256)


def end(session: Session, signed_in: SignedIn) -> None:
    """End one session."""
    session.execute(delete(PatientSessionRow).where(PatientSessionRow.cookie_sha256 == signed_in.cookie_sha256))


def sweep(session: Session, now: datetime) -> None:
    """Forget sessions that were idle for too long."""
    session.execute(delete(PatientSessionRow).where(PatientSessionRow.seen_at <= now - IDLE))


def _digest(cookie: str) -> str:
    return hashlib.sha256(b"concord patient session\n" + cookie.encode()).hexdigest()
