"""Alarms: what this device saw in the key log that a person has to look at, with what proves it.

Owns the shape of an alarm, that the same thing is one alarm however often it is seen, and which alarms stop sealing.
Refuses to forget one: it is acknowledged by its owner, and stays in the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..errors import KeyLogError
from ..errors.key_log import KINDS

# An id is typed by hand; two alarms of one device that share one would have to be among some ten thousand.
_ID_CHARACTERS = 8
# A directory that invents an alarm a second shall neither fill the store nor hide one thing among many of another: of
# each kind so many are kept. A person who has not looked at forty is not helped by more.
MAX_OF_A_KIND = 40
# A note of ours is below a kilobyte; of whatever else came in its place, this much tells what it was.
MAX_EVIDENCE_CHARACTERS = 8 * 1024

OWN_ACCOUNT = "own-account"
OWN_CHANGE = "own-change"
OWN_NAME = "own-name"
RECOVERY_ANNOUNCED = "recovery-announced"
_LOUD = {OWN_ACCOUNT, RECOVERY_ANNOUNCED}


@dataclass(frozen=True)
class Alarm:
    """Something seen: `kind` is a word, `message` a sentence, `evidence` signed notes and places in the log.

    `about` is what it is about, in as many characters as that takes: the same of the same kind is one alarm. `blocks`:
    nothing is sealed until it was acknowledged. Moments are UTC.
    """

    kind: str
    about: str
    message: str
    hint: str
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)
    blocks: bool = False
    seen_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)
    acknowledged_at: datetime | None = field(default=None, compare=False)

    @property
    def thing(self) -> tuple[str, str]:
        """What makes two alarms one. An id does not: whoever may choose an account's id finds two with one."""
        return self.kind, self.about

    @property
    def id(self) -> str:
        """Eight hexadecimal digits, the same for the same thing."""
        return hashlib.sha256("\n".join(self.thing).encode()).hexdigest()[:_ID_CHARACTERS]

    @property
    def loud(self) -> bool:
        """Whether there is no time to lose: it is said word for word beside every command."""
        return self.kind in _LOUD

    @property
    def open(self) -> bool:
        """Whether nobody has acknowledged it."""
        return self.acknowledged_at is None

    def encode(self) -> dict[str, Any]:
        """As members of JSON."""
        at = {"seen_at": self.seen_at, "acknowledged_at": self.acknowledged_at}
        return asdict(self) | {name: moment and moment.isoformat() for name, moment in at.items()}

    @classmethod
    def decode(cls, members: dict[str, Any]) -> Alarm:
        """Read the members of JSON."""
        acknowledged = members["acknowledged_at"]
        moments = {
            "seen_at": datetime.fromisoformat(members["seen_at"]),
            "acknowledged_at": datetime.fromisoformat(acknowledged) if acknowledged else None,
        }
        return cls(**(members | moments))


def of_error(error: KeyLogError) -> Alarm | None:
    """The alarm that an error is kept as, if it is."""
    if not error.kept:
        return None
    evidence = {
        name: value[:MAX_EVIDENCE_CHARACTERS] if isinstance(value, str) else value
        for name, value in error.evidence.items()
    }
    return Alarm(error.kind, error.about, error.message, error.hint, evidence, blocks=error.blocks)


def as_error(alarm: Alarm) -> KeyLogError:
    """The error that an alarm was, for one that stops sealing."""
    hint = f"Nothing is sealed until this was looked at: concord log alarms; then: concord log acknowledge {alarm.id}"
    return KINDS.get(alarm.kind, KeyLogError)(alarm.message, hint, about=alarm.about, evidence=alarm.evidence)


def added(alarms: Sequence[Alarm], further: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """The alarms with further ones, each thing once, at most `MAX_OF_A_KIND` of a kind.

    The oldest acknowledged ones of that kind give way; where none is, the first that were seen stay.
    """
    known = {alarm.thing: alarm for alarm in alarms}
    full: set[str] = set()
    for alarm in further:
        if alarm.thing in known or alarm.kind in full:
            continue
        if _has_room(known, alarm.kind):
            known[alarm.thing] = alarm
        else:
            full.add(alarm.kind)
    return tuple(known.values())


def _has_room(known: dict[tuple[str, str], Alarm], kind: str) -> bool:
    """Whether one more of a kind may be kept; the oldest acknowledged one makes room."""
    same = [alarm for alarm in known.values() if alarm.kind == kind]
    if len(same) < MAX_OF_A_KIND:
        return True
    seen = min((alarm for alarm in same if not alarm.open), key=lambda alarm: alarm.seen_at, default=None)
    if seen:
        del known[seen.thing]
    return seen is not None


def acknowledged(alarms: Sequence[Alarm], id_: str) -> tuple[Alarm, ...]:
    """The alarms, of which one is acknowledged now: the oldest open one. Raises KeyError when none has this id."""
    found = [alarm for alarm in alarms if alarm.id == id_]
    if not found:
        raise KeyError(id_)
    seen = next((alarm for alarm in found if alarm.open), None)
    now = datetime.now(UTC)
    return tuple(replace(each, acknowledged_at=now) if each is seen else each for each in alarms)


__all__ = [
    "MAX_OF_A_KIND",
    "OWN_ACCOUNT",
    "OWN_CHANGE",
    "OWN_NAME",
    "RECOVERY_ANNOUNCED",
    "Alarm",
    "acknowledged",
    "added",
    "as_error",
    "of_error",
]
