"""Checks of the key log: is it what was signed, does it speak, do its witnesses.

Owns these questions. Refuses names: a place in the log and a witness's public name are all that is told.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select

from services.chassis.config import Settings
from services.chassis.db import Database

from . import Finding

# The worker speaks once in each such time; so many of silence are no accident.
SILENT_TIMES = 3
_TROUBLES = {
    "unreachable": "does it answer at the address in CONCORD_WITNESSES? directory-worker must reach the outside",
    "refused": "it does not know this log: give its operator the key of /directory/log/key",
    "malformed": "what answers there is no witness, or has another key than CONCORD_WITNESSES says",
    "ahead": "it has seen a longer log: a restore has lost entries (docs/operations.md, The key log)",
    "contradicts": "it has seen another log: keep the database as it is, and find out who changed it",
}


class KeyLogChecks:
    """Checks of the directory's log."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings.database_url, pool_size=1)
        self._models = importlib.import_module("services.directory.models")

    def tree(self) -> Iterator[Finding]:
        """Whether what is stored is what was signed."""
        found = importlib.import_module("services.directory.key_log_check").check(self._database)
        mend = "keep the database as it is, and find out who changed it; no key is recorded meanwhile"
        yield Finding("key log", not found, "; ".join(found) or "every leaf, subtree and checkpoint agrees", mend)

    def speaks(self) -> Iterator[Finding]:
        """Whether its key signs its newest checkpoint, and how old that is."""
        key = importlib.import_module("services.directory.checkpoints").key_from(self._settings)
        log, given = self._models.KeyLogRow, self._models.KeyCheckpointRow
        with self._database.transaction(deadline=5) as session:
            newest = session.scalars(select(given).join(log, log.size == given.size)).one_or_none()
        if newest is None:
            yield Finding("checkpoint", False, "none is signed", "is directory-worker up?  docker compose ps")
            return
        own, age = key.signed(newest.note), (datetime.now(UTC) - newest.signed_at).total_seconds()
        mend = "start directory-api and directory-worker anew, all at once: one has another CONCORD_LOG_KEY_FILE"
        yield Finding("key of the log", own, "has signed the newest checkpoint" if own else "another has signed", mend)
        fresh = age < SILENT_TIMES * self._settings.log_fresh_seconds
        yield Finding("checkpoint", fresh, f"of {newest.size} leaves, {age:.0f} s old", "is directory-worker up?")

    def witnesses(self) -> Iterator[Finding]:
        """How long each witness has been silent, and why."""
        with self._database.transaction(deadline=5) as session:
            rows = {row.key: row for row in session.scalars(select(self._models.KeyWitnessRow))}
        for key, _ in self._settings.named_witnesses():
            row = rows.get(key.encode())
            if row is None:
                yield Finding(f"witness {key.name}", False, "was never asked", "is directory-worker up?")
                continue
            age = None if row.cosigned_at is None else (datetime.now(UTC) - row.cosigned_at).total_seconds()
            # One that holds the line and says nothing is no trouble that is known.
            ok = row.trouble is None and age is not None and age < SILENT_TIMES * self._settings.log_fresh_seconds
            mend = _TROUBLES.get(row.trouble or "", "is directory-worker up? does the witness answer?")
            said = "never cosigned" if age is None else f"cosigned {age:.0f} s ago"
            yield Finding(f"witness {key.name}", ok, said, mend)
