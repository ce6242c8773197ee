"""The root of every error.

Owns its message, hint and members. Refuses content: no message holds a word of a letter, a name or a key.
"""

from __future__ import annotations

from typing import Any


class ConcordError(Exception):
    """Anything that a clinician can be told, with a hint of what to do about it."""

    hint_by_default = ""

    def __init__(self, message: str, hint: str | None = None, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.hint_by_default if hint is None else hint
        self.members = members
