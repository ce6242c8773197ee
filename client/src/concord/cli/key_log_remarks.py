"""Remarks on the key log beside every command, on standard error.

Owns what is said while an alarm is open, and during a sync that takes a while. Refuses to fail a command: what it came
to say is said by `concord log` as well.
"""

from __future__ import annotations

from ..client import Client
from ..errors import StoreError
from .output import note

# Some ten megabytes, and as many seconds; a multiple of what is read at once.
_WORTH_TELLING = 16 * 4096


def tell_open(client: Client) -> None:
    """A remark while alarms are open; what is loud is said word for word."""
    try:
        found = [alarm for alarm in client.key_log.alarms() if alarm.open]
    except StoreError:
        return  # what cannot be read was told by the command itself
    for alarm in found:
        if alarm.loud:
            note(f"{alarm.message}. {alarm.hint}")
    if found:
        number = "An alarm" if len(found) == 1 else f"{len(found)} alarms"
        stopped = " Nothing is sealed until then." if any(alarm.blocks for alarm in found) else ""
        note(f"{number} of the key log to look at: concord log alarms.{stopped}")


def tell_reading(have: int, size: int) -> None:
    """A remark on a sync that takes a while."""
    if size - have >= _WORTH_TELLING and not have % _WORTH_TELLING:
        note(f"Reading the key log: {have} of {size} bindings.")


__all__ = ["tell_open", "tell_reading"]
