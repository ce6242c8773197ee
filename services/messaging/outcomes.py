"""What became of a letter, told to operators: a number by its reason, and a log line with the letter's id.

Owns both. Refuses anybody's id but the letter's own, which is random and says nothing; who wrote to whom about whom is
in the account, for those who may read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.chassis import logs, metrics


def tell(outcome: str, letter: UUID, reason: str = "") -> None:
    """Count and log one outcome, once it is committed, such as `released` or `refused` with its reason."""
    metrics.GATE_DECISIONS.labels(outcome, reason).inc()
    more = {"reason": reason} if reason else {}
    logs.logger("letters").info(outcome, letter=str(letter), **more)


def tell_refused(letter: UUID, reasons: Iterable[str]) -> None:
    """Count and log a refusal once for each of its reasons, to however many recipients that one stood against it."""
    for reason in dict.fromkeys(reasons):
        tell("refused", letter, reason)
