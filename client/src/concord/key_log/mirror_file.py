"""The file that the mirror is in: SQLite, opened, begun, locked and thrown away.

Owns the schema, the modes, and what an error of SQLite means: a file that is damaged, or a disk that cannot be used.
Refuses to repair a damaged file: it is read anew from the log.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StoreError
from ..private_files import make_directory

_SCHEMA = """
CREATE TABLE tile (level INTEGER, place INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, place)) WITHOUT ROWID;
CREATE TABLE binding (
    account BLOB, n INTEGER, leaf INTEGER, kind TEXT NOT NULL, entry BLOB NOT NULL, PRIMARY KEY (account, n, leaf)
) WITHOUT ROWID;
CREATE TABLE named (
    leaf INTEGER PRIMARY KEY, account BLOB NOT NULL, folded TEXT NOT NULL, looks TEXT NOT NULL, npi TEXT,
    organization BLOB NOT NULL, role TEXT NOT NULL
);
CREATE INDEX named_account ON named (account);
CREATE INDEX named_folded ON named (folded);
CREATE INDEX named_looks ON named (looks);
CREATE INDEX named_npi ON named (npi) WHERE npi IS NOT NULL;
CREATE TABLE kept (leaf INTEGER PRIMARY KEY, line BLOB NOT NULL);
CREATE TABLE size (single INTEGER PRIMARY KEY CHECK (single = 1), size INTEGER NOT NULL);
INSERT INTO size VALUES (1, 0);
"""
# One of an earlier version is read anew from the log.
_VERSION = 2
# Another process of this person's writes some bundles at once; longer than this it does not take.
_WAIT_SECONDS = 30.0
# What SQLite says of a disk that is full or may not be written, or of another process: the file itself may be whole.
_NOT_DAMAGE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


class MirrorDamagedError(Exception):
    """The file is no mirror any more: it is to be deleted and read anew. Never shown to a person."""


class MirrorFile:
    """The file `path` (mode 0600), opened at its first use. Threads take turns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The database. What cannot be made sense of in the block is a file that is damaged.

        Raises `MirrorDamagedError`, `StoreError` when the disk cannot be used.
        """
        with self._turn, self._understood():
            yield self._opened()

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, AttributeError, LookupError, TypeError, ValueError) as error:
            self.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_DAMAGE:  # the low byte is the primary code
                raise StoreError(f"{self._path} cannot be used: {error}", "Is there room on the disk?") from None
            raise MirrorDamagedError(str(error)) from error

    @contextmanager
    def holding(self, size: int) -> Iterator[sqlite3.Connection]:
        """As `reading`, all of it at one moment, with at least the first `size` leaves.

        Another process may be reading the log anew: what it does not have yet must not pass for what is not there.
        """
        with self.reading() as db, db:
            db.execute("BEGIN")
            if db.execute("SELECT size FROM size").fetchone()[0] < size:
                raise LookupError("leaves are missing")
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """As `reading`, in one transaction."""
        with self.reading() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def discard(self) -> None:
        """Delete the file; the next use begins an empty one."""
        with self._turn:
            self.close()
            for ending in ("", "-journal"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            if self._connection:
                with suppress(sqlite3.Error):
                    self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        # Another process may have discarded the file: what it began in its place is the mirror now.
        if self._connection and self._inode != _inode(self._path):
            self.close()
        if self._connection is None:
            make_directory(self._path.parent)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._path.chmod(0o600)
            self._inode = _inode(self._path)
            # Whoever closes a client may be another thread than whoever used it: `_turn` keeps them apart.
            self._connection = sqlite3.connect(
                self._path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            _begin(self._connection)
        return self._connection


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return -1


def _begin(db: sqlite3.Connection) -> None:
    # A failure of power may take what was written last, and is to take all of it: a row of the index that is missing
    # beside a tree that is whole is what nobody notices.
    db.execute("PRAGMA synchronous = FULL")
    if _version(db) == _VERSION:
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        if _version(db) == 0:  # and no other process was first
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {_VERSION}")
    if _version(db) != _VERSION:
        raise sqlite3.DatabaseError("of another version")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


__all__ = ["MirrorDamagedError", "MirrorFile"]
