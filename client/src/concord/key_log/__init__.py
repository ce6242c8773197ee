"""The key log on the client's side: every client is an auditor.

Owns the mirror of the whole log, what is pinned of it, and what a key, a letter or a name is held against. Refuses to
take a directory's word. Specified in `spec/key-log.md`.

    log.py, followed.py         the front: check, proof; refresh, alarms
    following.py                from what is pinned to the newest checkpoint
    checkpoints.py              signature, age, witnesses of one checkpoint
    mirror.py, mirror_file.py   the index and the tree (tree.py), in SQLite
    pinned.py                   what is pinned, sealed
    judging.py, names.py        whether a history, or a name, is the one that was logged
    watching.py, own_account.py one's own account
    meeting.py                  what letters tell
    alarms.py                   what a person has to look at
"""

from .alarms import Alarm
from .log import KeyLog
from .meeting import InLetter, meet
from .own_account import OwnHistory

__all__ = ["Alarm", "InLetter", "KeyLog", "OwnHistory", "meet"]
