"""The mirror: this device's own copy of the key log's tree, and of who has which entries in it.

Owns one SQLite file: every hash of a leaf, as tiles; the hashes of complete tiles above them; an index of the bindings
by account, and of who somebody is by name and number. Roots and paths of any earlier size are found in some twenty
reads. Refuses to be believed by itself: whoever uses it compares its root at a size with one that is kept sealed
(`pinned.py`), and reads nothing of it beyond that size.

What somebody who can write to the disk could do: change a leaf's hash, which is noticed at the next root or path that
it is part of, and then the mirror is read anew; or hide or change a row of the index, so that an account seems to have
fewer or other entries than the tree has. That is noticed when the directory then shows what the index does not have,
and not before; `concord log verify` reads the whole log anew. Such a person could as well replace this program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from concord_formats.key_log import Binding, BindingKind
from concord_formats.merkle import leaf_hash

from . import tree
from .mirror_file import MirrorDamagedError, MirrorFile
from .names import folded, looks

# Nobody has accounts in more organizations.
MOST_NUMBERED = 20


@dataclass(frozen=True)
class Logged:
    """One binding of an account: its place in the log, the entry's number and digest (hexadecimal), and its kind."""

    leaf: int
    n: int
    kind: BindingKind
    entry: str


@dataclass(frozen=True)
class Named:
    """Who the log says an account is, from the binding at `leaf`.

    `folded` is the name as it is compared, `looks` what it looks like: several names may look like one.
    """

    leaf: int
    account: UUID
    folded: str
    looks: str
    npi: str | None
    organization: UUID
    role: str


class Mirror:
    """The mirror in the file `path` (mode 0600). One process writes at a time, which its caller sees to.

    Every method raises `MirrorDamagedError` when SQLite cannot read the file, `StoreError` when it cannot use the disk.
    """

    def __init__(self, path: Path, keep: UUID) -> None:
        self._file = MirrorFile(path)
        # The lines of this account are kept as they came: they go into its letters.
        self._keep = keep

    @property
    def size(self) -> int:
        """How many leaves are here, whether or not anybody has compared their root with a checkpoint yet."""
        with self._file.reading() as db:
            return int(db.execute("SELECT size FROM size").fetchone()[0])

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves, which have to be here."""
        with self._file.reading() as db:
            return tree.root(db, size)

    def path(self, leaf: int, size: int) -> list[bytes]:
        """The inclusion path of a leaf in the tree of the first `size` leaves."""
        with self._file.reading() as db:
            return tree.path(db, leaf, size)

    def leaf_hash(self, leaf: int) -> bytes:
        """The hash of a leaf that is here."""
        with self._file.reading() as db:
            return tree.leaf_hash(db, leaf)

    def bindings(self, account: UUID, size: int) -> list[Logged]:
        """What the first `size` leaves hold of an account, by number and then by place."""
        query = "SELECT leaf, n, kind, entry FROM binding WHERE account = ? AND leaf < ? ORDER BY n, leaf"
        with self._file.holding(size) as db:
            rows = db.execute(query, (account.bytes, size))
            return [Logged(leaf, n, BindingKind(kind), entry.hex()) for leaf, n, kind, entry in rows]

    def line(self, leaf: int) -> bytes | None:
        """A binding of one's own account, as it was logged."""
        with self._file.reading() as db:
            row = db.execute("SELECT line FROM kept WHERE leaf = ?", (leaf,)).fetchone()
            return None if row is None else bytes(row[0])

    def named(self, account: UUID, size: int) -> Named | None:
        """Who the newest of the first `size` leaves that says so says that an account is.

        A recovery that is only announced names the account as it was, and says nothing new.
        """
        return next(iter(self._named("account = ?", (account.bytes,), size)), None)

    def like(self, named: Named, size: int) -> list[Named]:
        """Whom the first `size` leaves call by this name or one that looks like it, or by this number, newest first."""
        return self._named("(folded = ? OR looks = ? OR npi = ?)", (named.folded, named.looks, named.npi), size)

    def numbered(self, npi: str, size: int) -> list[UUID]:
        """Accounts that some of the first `size` leaves call by this number, the newest first, `MOST_NUMBERED` at most.

        A directory can log one number a million times, and each is looked at.
        """
        query = "SELECT account FROM named WHERE npi = ? AND leaf < ? GROUP BY account ORDER BY max(leaf) DESC LIMIT ?"
        with self._file.holding(size) as db:
            return [UUID(bytes=account) for (account,) in db.execute(query, (npi, size, MOST_NUMBERED))]

    def _named(self, condition: str, values: tuple[object, ...], size: int) -> list[Named]:
        query = (
            "SELECT leaf, account, folded, looks, npi, organization, role FROM named "  # noqa: S608 - conditions are ours
            f"WHERE {condition} AND leaf < ? ORDER BY leaf DESC"
        )
        with self._file.holding(size) as db:
            return [
                Named(leaf, UUID(bytes=account), called, like, npi, UUID(bytes=organization), role)
                for leaf, account, called, like, npi, organization, role in db.execute(query, (*values, size))
            ]

    def append(self, bindings: Iterable[tuple[bytes, Binding]]) -> None:
        """Append bindings, each as its exact line and what it says, in one transaction."""
        with self._file.writing() as db:
            size = int(db.execute("SELECT size FROM size").fetchone()[0])
            leaves = [(leaf, line, each) for leaf, (line, each) in enumerate(bindings, start=size)]
            db.executemany(
                "INSERT INTO binding VALUES (?, ?, ?, ?, ?)", (_entry(leaf, each) for leaf, _, each in leaves)
            )
            named = (_person(leaf, each) for leaf, _, each in leaves if each.name is not None)
            db.executemany("INSERT INTO named VALUES (?, ?, ?, ?, ?, ?, ?)", named)
            kept = ((leaf, line) for leaf, line, each in leaves if each.account == self._keep)
            db.executemany("INSERT INTO kept VALUES (?, ?)", kept)
            tree.extend(db, size, [leaf_hash(line) for _, line, _ in leaves])
            db.execute("UPDATE size SET size = ?", (size + len(leaves),))

    def truncate(self, size: int) -> None:
        """Forget every leaf from `size` on."""
        with self._file.writing() as db:
            for table in ("binding", "named", "kept"):
                db.execute(f"DELETE FROM {table} WHERE leaf >= ?", (size,))  # noqa: S608 - names of our own
            tree.cut(db, size)
            db.execute("UPDATE size SET size = ?", (size,))

    def discard(self) -> None:
        """Delete the file; the next use begins an empty one."""
        self._file.discard()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _entry(leaf: int, binding: Binding) -> tuple[object, ...]:
    return binding.account.bytes, binding.n, leaf, binding.kind.value, bytes.fromhex(binding.entry)


def _person(leaf: int, binding: Binding) -> tuple[object, ...]:
    organization = binding.organization.bytes if binding.organization else None
    name = binding.name or ""
    return leaf, binding.account.bytes, folded(name), looks(name), binding.npi, organization, binding.role


__all__ = ["MOST_NUMBERED", "Logged", "Mirror", "MirrorDamagedError", "Named"]
