"""Wrong codes, counted by the address they came from.

Owns how many there may be. Refuses to lock a patient out: what somebody guesses elsewhere never closes the page to
those who have a code.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.guesses import Guesses, network_of

from ..models import GuessRow
from ..rules.patient_codes import GUESSES, GUESSING_WINDOW

_AT_THE_PAGE = Guesses(GuessRow, "concord guesses", GUESSES, GUESSING_WINDOW)


def too_many(session: Session, address: str, now: datetime) -> bool:
    """Whether an address has used up its guesses for now."""
    return _AT_THE_PAGE.too_many(session, network_of(address), now)


def count(session: Session, address: str, now: datetime) -> None:
    """One more wrong code from an address."""
    _AT_THE_PAGE.count(session, network_of(address), now)


def sweep(session: Session, now: datetime) -> None:
    """Forget addresses whose window has passed."""
    _AT_THE_PAGE.sweep(session, now)
