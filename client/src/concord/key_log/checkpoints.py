"""A checkpoint of the key log: whether it is the log's, how old it is, and who else has seen it.

Owns the reading of a note under the pinned key or one that this key leads to, and the bounds on its age. Refuses to
compare it with what was pinned: that is `following.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from concord_formats.cosignatures import WitnessKey, cosigned_at, own_clock
from concord_formats.key_log import BindingError, origin
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, verify_note
from concord_formats.succession import follow, named

from ..api.key_log import LogKey
from ..errors import LogKeyError, MalformedLogError, StalledLogError, WitnessMissingError
from .pinned import Pinned, Witnessed

# The log renews its checkpoint each minute: ten of them missed is a worker that is down, or somebody who holds the
# log still for us alone, to keep a revoked device or a replaced key alive.
MAX_AGE_SECONDS = 600
# Clocks differ; by this much, and the one that is wrong is worth knowing about.
MAX_AHEAD_SECONDS = 600
# A leaf is under a checkpoint at once, and under its witnesses' cosignatures within a minute or two.
MAX_UNWITNESSED_SECONDS = 600

_CLOCK = "Check the clock of this machine. If it is right, tell the directory's operator."


@dataclass(frozen=True)
class Signed:
    """A checkpoint that the log's key signed, the note it came as, and when the log says that it was so (POSIX)."""

    checkpoint: Checkpoint
    note: str
    key: VerifierKey
    at: int


def trusted_key(base_url: str, described: LogKey) -> VerifierKey:
    """The key that a directory says its log has, for the first use. Raises `LogKeyError`, `MalformedLogError`."""
    key = read_key(described.key)
    check_name(base_url, key)
    return key


def read_key(text: str) -> VerifierKey:
    """Read a verifier key. Raises `MalformedLogError`."""
    try:
        return VerifierKey.decode(text.strip())
    except NoteError as error:
        raise MalformedLogError(f"the log's key cannot be read: {error}", "Copy the whole of it.") from None


def read_witness(text: str) -> WitnessKey:
    """Read a witness's key. Raises `MalformedLogError`."""
    try:
        return WitnessKey.decode(text.strip())
    except NoteError as error:
        raise MalformedLogError(f"the witness's key cannot be read: {error}", "Copy the whole of it.") from None


def check_name(base_url: str, key: VerifierKey) -> None:
    """A log's key has the name of its place: another directory's log is not this one's. Raises `LogKeyError`."""
    try:
        expected = origin(base_url)
    except BindingError:
        raise MalformedLogError("the address of the services has no place for a log") from None
    if key.name != expected:
        raise LogKeyError(f"the key is that of the log {key.name}, and not of {expected}")


def read_checkpoint(note: str, keys: Sequence[VerifierKey]) -> Signed:
    """A checkpoint that one of the keys signed, the newest first. Raises `LogKeyError`, `MalformedLogError`."""
    for key in reversed(keys):
        with suppress(NoteError):
            return _signed(note, verify_note(note, key), key)
    raise LogKeyError(
        "the log's checkpoint is not signed by the key that is pinned on this device",
        about=keys[-1].encode() if keys else "",
        evidence={"shown": note, "keys": [key.encode() for key in keys]},
    )


def successors(described: LogKey, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The keys, and after them those that the last one leads to by signed notes; none when it leads nowhere."""
    start, end = keys[-1], read_key(described.key)
    if not follow(described.succession, start, end):
        return tuple(keys)
    between = [key for key in named(described.succession) if key not in keys]
    return (*keys, *(key for key in between if follow(described.succession, start, key)))


def check_age(signed: Signed, now: float) -> None:
    """Raises `StalledLogError` for a checkpoint that is too old, or dated ahead of this machine's clock."""
    behind = now - signed.at
    evidence = {"shown": signed.note}
    if behind > MAX_AGE_SECONDS:
        raise StalledLogError(
            f"the log's checkpoint is {int(behind // 60)} minutes old",
            f"{StalledLogError.hint_by_default} {_CLOCK}",
            about=signed.checkpoint.encode(),
            evidence=evidence,
        )
    if -behind > MAX_AHEAD_SECONDS:
        message = f"the log's checkpoint is dated {int(-behind // 60)} minutes ahead of this machine's clock"
        raise StalledLogError(message, _CLOCK, about=signed.checkpoint.encode(), evidence=evidence)


def witnessed(signed: Signed, pinned: Pinned, now: float) -> Witnessed | None:
    """The last checkpoint that enough witnesses had cosigned: this one, or the one before while that is recent.

    A checkpoint is there at once, and its cosignatures a minute later: what they are missing on is the newest only. An
    old cosignature counts for nothing: under it, whoever has the log's key could show one person an old log for ever.
    Raises `WitnessMissingError`.
    """
    if not pinned.required:
        return None
    times = (_time(signed.note, key) for key in pinned.witnesses)
    found = [at for at in times if at is not None and -MAX_AHEAD_SECONDS <= now - at <= MAX_UNWITNESSED_SECONDS]
    if len(found) >= pinned.required:
        # Of as many as are asked for, the one that was last to see it: older ones add nothing.
        return Witnessed(signed.checkpoint.size, sorted(found, reverse=True)[pinned.required - 1])
    before = pinned.witnessed
    if before and before.size <= signed.checkpoint.size and now - before.at <= MAX_UNWITNESSED_SECONDS:
        return before
    message = f"{len(found)} of the {pinned.required} witnesses asked for have cosigned the log in the last ten minutes"
    raise WitnessMissingError(message)


def _signed(note: str, text: str, key: VerifierKey) -> Signed:
    try:
        checkpoint = Checkpoint.parse(text)
        at = cosigned_at(note, own_clock(key))
    except NoteError as error:
        raise MalformedLogError(f"the log's checkpoint cannot be read: {error}") from None
    if checkpoint.origin != key.name:
        raise LogKeyError(f"the checkpoint is of the log {checkpoint.origin}, and not of {key.name}")
    return Signed(checkpoint, note, key, at)


def _time(note: str, key: WitnessKey) -> int | None:
    with suppress(NoteError):
        return cosigned_at(note, key)
    return None


Clock = Callable[[], float]
"""Seconds since 1970."""

__all__ = [
    "MAX_AGE_SECONDS",
    "MAX_AHEAD_SECONDS",
    "Clock",
    "Signed",
    "check_age",
    "check_name",
    "read_checkpoint",
    "read_key",
    "read_witness",
    "successors",
    "trusted_key",
    "witnessed",
]
