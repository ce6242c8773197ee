"""The sealed backup of an account: which one takes the place of which, and how often one may guess at it.

Owns these bounds. Refuses to bar an owner: a right credential is good whatever others have tried for the account.
"""

from __future__ import annotations

from datetime import timedelta

# Wrong credentials in one window: of one network address, and for one account. What is asked for has 130 random bits,
# so the limit is there for quiet, and the count for the owner to read.
GUESSES = 10
GUESSING_WINDOW = timedelta(minutes=15)
# A JSON number that every reader takes as it is (RFC 8259, section 6).
MAX_GENERATION = 2**53 - 1
# Whoever holds a device before it is revoked must not be able to use up all the numbers that are left to its owner.
MAX_STEP = 1_000_000


def follows(stored: int, generation: int) -> bool:
    """Whether a generation is later than the stored one (0: none is)."""
    return generation > stored


def leaps(stored: int, generation: int) -> bool:
    """Whether a generation lies further ahead than any number of backups explains."""
    return generation > stored + MAX_STEP
