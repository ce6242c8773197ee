"""What can be wrong with the key log, and with keys that do not stand in it.

Owns one error for each thing that a directory, or somebody in between, can do to keys and be caught at. Each names its
`kind`, under which an alarm is kept, and carries its `evidence` (signed notes, places in the log) for whoever has to
show it to somebody. Refuses keys and names: evidence is what is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .keys import PinError

_ASK_OPERATOR = "Send nothing. Show it to the directory's operator: concord log alarms"


class KeyLogError(PinError):
    """The key log, or what the directory says beside it, cannot be relied on."""

    kind: ClassVar[str] = "key-log"
    # Whether it is kept as an alarm, with its evidence, until a person has acknowledged it.
    kept: ClassVar[bool] = True
    # Whether nothing at all is sealed until then: the log itself is not what it was.
    blocks: ClassVar[bool] = False
    hint_by_default = "Send nothing until this is explained. See: concord log status"

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        about: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint, kind=self.kind)
        self.about = message if about is None else about
        self.evidence = dict(evidence or {})


class SwappedKeyError(KeyLogError):
    """The key history that the directory shows is not the one that stands in the log."""

    kind = "swapped-key"
    hint_by_default = "Send nothing to them. Call your colleague, and tell the directory's operator."


class HiddenRotationError(KeyLogError):
    """The log has a later entry than was shown: a key that was replaced, or a device that was revoked, was passed on
    as the newest.
    """

    kind = "hidden-rotation"
    hint_by_default = "Call the colleague whose keys these are, and tell the directory's operator."


class NameMismatchError(KeyLogError):
    """The directory shows an account under another name, number or organization than the log."""

    kind = "name-mismatch"
    hint_by_default = "Send nothing to this account. Call the colleague, and tell the directory's operator."


class UnloggedKeyError(KeyLogError):
    """A key entry stands in no leaf of the log: nobody else can see it."""

    kind = "unlogged-key"
    hint_by_default = "Do not use these keys. Call your colleague, and tell the directory's operator."


class ForkedLogError(KeyLogError):
    """Two signed checkpoints cannot be of one log: different people are shown different logs."""

    kind = "forked-log"
    blocks = True
    hint_by_default = _ASK_OPERATOR


class RolledBackLogError(KeyLogError):
    """The log is smaller than it was, or than it was shown to somebody else."""

    kind = "rolled-back-log"
    blocks = True
    hint_by_default = _ASK_OPERATOR


class StalledLogError(KeyLogError):
    """The log is not fresh: its checkpoint is old, or an own entry is not in it."""

    kind = "stalled-log"
    hint_by_default = "Try again in some minutes. If it stays so, ask the directory's operator."


class LogKeyError(KeyLogError):
    """The log is signed by another key than the one that this device has pinned."""

    kind = "log-key"
    hint_by_default = (
        "Ask the directory's operator, by telephone, whether the log's key was changed; then: concord log trust KEY"
    )


class WitnessMissingError(KeyLogError):
    """Too few of the witnesses that were named have cosigned the log."""

    kind = "witness-missing"
    kept = False
    hint_by_default = "Try again in some minutes. Which witnesses are asked for: concord log witness list"


class MalformedLogError(KeyLogError):
    """Something of the log cannot be read."""

    kind = "malformed-log"
    kept = False
    hint_by_default = "Try again. If it stays so, ask the directory's operator."


# From the word under which an alarm is kept to the error that it was.
KINDS = {each.kind: each for each in KeyLogError.__subclasses__()}

__all__ = [
    "KINDS",
    "ForkedLogError",
    "HiddenRotationError",
    "KeyLogError",
    "LogKeyError",
    "MalformedLogError",
    "NameMismatchError",
    "RolledBackLogError",
    "StalledLogError",
    "SwappedKeyError",
    "UnloggedKeyError",
    "WitnessMissingError",
]
