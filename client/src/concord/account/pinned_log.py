"""What this device remembers of the account's log: its key, its last checkpoint, how each account stood.

Owns trust on first use of the log's key, and that nothing seen before may change: the log only grows, and an account
only grows at its end. Refuses to forget: another key is taken only where the pinned one leads to it by signatures. It
cannot see a service that shows two readers two logs from the start; comparing exports between two parties can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from concord_formats.notes import Checkpoint
from concord_formats.succession import follow

from ..errors import ForkedAccountError, LineMissingError, LogKeyChangedError
from ..store import SealedStore
from .earlier import check_growth
from .verify import VerifiedAccount, VerifiedLine, read_key, verify_checkpoint

_DOCUMENT = "account-log"
# From the sizes of two checkpoints to the service's proof of consistency.
Proof = Callable[[int, int], Sequence[bytes]]


class PinnedLog:
    """The log as this device has seen it, in its sealed store."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store

    @property
    def key(self) -> str | None:
        """The pinned verifier key, or None before the first use."""
        key = (self._store.read(_DOCUMENT) or {}).get("key")
        return None if key is None else str(key)

    @property
    def checkpoint(self) -> str | None:
        """The signed note of the last checkpoint, or None before the first use."""
        note = (self._store.read(_DOCUMENT) or {}).get("checkpoint")
        return None if note is None else str(note)

    def check(self, account: VerifiedAccount, proof: Proof) -> bool:
        """Check a verified account against what was seen before, then remember it.

        True when it is the first use: the key is then the one that came, compared with nothing. Raises
        `LogKeyChangedError`, `ForkedAccountError`, `LineMissingError`; what is remembered then stays as it was.
        """
        with self._store.changing(_DOCUMENT) as seen:
            first = not seen
            if not first:
                _check_key(seen, account)
                before = verify_checkpoint(seen["checkpoint"], read_key(seen["key"]))
                _check_log(before, account.checkpoint, proof)
                _check_account(seen["accounts"].get(account.patient), account)
            _remember(seen, account)
        return first


def _check_key(seen: dict[str, Any], account: VerifiedAccount) -> None:
    if not follow(account.succession, read_key(seen["key"]), read_key(account.key)):
        raise LogKeyChangedError("the account is under another key than the one pinned on this device")


def _check_log(before: Checkpoint, now: Checkpoint, proof: Proof) -> None:
    if not check_growth(before, now):
        check_growth(before, now, proof(before.size, now.size))


def _check_account(before: dict[str, Any] | None, account: VerifiedAccount) -> None:
    if before is None:
        return
    if len(account.lines) < before["last"]:
        raise LineMissingError(len(account.lines) + 1, "it stood in the account before")
    if _digest(account.lines[: before["last"]]) != before["digest"]:
        raise ForkedAccountError(f"one of the lines 1 to {before['last']} is not what it was before")


def _remember(seen: dict[str, Any], account: VerifiedAccount) -> None:
    accounts = seen.get("accounts", {})
    accounts[account.patient] = {"last": len(account.lines), "digest": _digest(account.lines)}
    seen.update(key=account.key, checkpoint=account.note, accounts=accounts)


def _digest(lines: Sequence[VerifiedLine]) -> str:
    """SHA-256 of each line's place (8 bytes) and leaf (32 bytes): a line that moves or changes changes it."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.index.to_bytes(8, "big") + line.leaf)
    return digest.hexdigest()


__all__ = ["PinnedLog", "Proof"]
