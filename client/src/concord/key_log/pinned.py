"""What this device has pinned of the key log: its keys, its last checkpoint, its witnesses, one's own last entry.

Owns the sealed document `key-log`, which nobody else can forge, and its reading. Refuses to decide: what may follow
what is pinned is `following.py`'s to say. Somebody who can write to the disk could put the document back as it was
earlier, with a mirror to match: what happened since is then read again, and seen again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from concord_formats.cosignatures import WitnessKey
from concord_formats.merkle import EMPTY_ROOT
from concord_formats.notes import Checkpoint, VerifierKey, unverified_text

from ..errors import StoreError
from ..store import SealedStore
from .alarms import Alarm, added

DOCUMENT = "key-log"


@dataclass(frozen=True)
class Own:
    """The newest entry of one's own account that this device knows to be its owner's: number and digest."""

    n: int
    entry: str


@dataclass(frozen=True)
class Witnessed:
    """The last checkpoint that enough witnesses had cosigned: its size, and when the last of those did so."""

    size: int
    at: int


@dataclass(frozen=True)
class Pinned:
    """What is pinned; `keys` are the log's, oldest first, the last one in force; `note` is the last checkpoint.

    `watched` is the size up to which one's own bindings were looked at, `threshold` how many of `witnesses` have to
    have cosigned (None: all of them).
    """

    keys: tuple[VerifierKey, ...] = ()
    note: str | None = None
    witnesses: tuple[WitnessKey, ...] = ()
    threshold: int | None = None
    witnessed: Witnessed | None = None
    own: Own | None = None
    watched: int = 0
    alarms: tuple[Alarm, ...] = ()

    @property
    def checkpoint(self) -> Checkpoint:
        """The last checkpoint, which was verified when it was pinned; before the first, that of an empty log."""
        if self.note is None:
            return Checkpoint(self.keys[-1].name if self.keys else "none", 0, EMPTY_ROOT)
        return Checkpoint.parse(unverified_text(self.note))

    @property
    def required(self) -> int:
        """How many witnesses have to have cosigned."""
        return len(self.witnesses) if self.threshold is None else min(self.threshold, len(self.witnesses))


class PinnedLog:
    """The sealed document."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store

    def read(self) -> Pinned:
        """What is pinned. Raises `StoreError`."""
        return _decode(self._store.read(DOCUMENT) or {})

    @contextmanager
    def changing(self) -> Iterator[Changing]:
        """What is pinned, to change; written when the block ends well, and no other process changes it meanwhile."""
        with self._store.changing(DOCUMENT) as members:
            change = Changing(_decode(members))
            yield change
            members.clear()
            members.update(_encode(change.pinned))

    def alarm(self, *alarms: Alarm) -> None:
        """Keep alarms; one that was kept before is not kept again. Raises `StoreError`."""
        if not alarms:
            return
        with self.changing() as change:
            change.set(alarms=added(change.pinned.alarms, alarms))


class Changing:
    """One change of what is pinned."""

    def __init__(self, pinned: Pinned) -> None:
        self.pinned = pinned

    def set(self, **members: Any) -> None:
        """Change members of `Pinned`."""
        self.pinned = replace(self.pinned, **members)


def _decode(members: dict[str, Any]) -> Pinned:
    try:
        return _pinned(members)
    except (ValueError, KeyError, TypeError, AttributeError):  # of another version of this program
        raise StoreError("what is pinned of the key log cannot be read", "Update Concord on this device.") from None


def _pinned(members: dict[str, Any]) -> Pinned:
    own, witnessed = members.get("own"), members.get("witnessed")
    return Pinned(
        keys=tuple(VerifierKey.decode(text) for text in members.get("keys", ())),
        note=members.get("checkpoint"),
        witnesses=tuple(WitnessKey.decode(text) for text in members.get("witnesses", ())),
        threshold=members.get("threshold"),
        witnessed=Witnessed(witnessed["size"], witnessed["at"]) if witnessed else None,
        own=Own(own["n"], own["entry"]) if own else None,
        watched=members.get("watched", 0),
        alarms=tuple(Alarm.decode(each) for each in members.get("alarms", ())),
    )


def _encode(pinned: Pinned) -> dict[str, Any]:
    members: dict[str, Any] = {
        "keys": [key.encode() for key in pinned.keys],
        "checkpoint": pinned.note,
        "witnesses": [key.encode() for key in pinned.witnesses],
        "threshold": pinned.threshold,
        "witnessed": pinned.witnessed and {"size": pinned.witnessed.size, "at": pinned.witnessed.at},
        "own": pinned.own and {"n": pinned.own.n, "entry": pinned.own.entry},
        "watched": pinned.watched,
        "alarms": [alarm.encode() for alarm in pinned.alarms],
    }
    return {name: value for name, value in members.items() if value not in (None, [])}


__all__ = ["DOCUMENT", "Changing", "Own", "Pinned", "PinnedLog", "Witnessed"]
