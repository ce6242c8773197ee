"""What recipients and identities have in common.

Owns the two protocols. Refuses to hold keys: each type of recipient has a module of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .header import Stanza


class Recipient(Protocol):
    """Somebody a file can be encrypted to."""

    @property
    def label(self) -> str:
        """Recipients of different labels are not mixed in one file; "" is the label of usual ones."""

    def wrap(self, file_key: bytes) -> Stanza:
        """The stanza that lets this recipient find the file key (16 bytes)."""


class Identity(Protocol):
    """The secret that opens what was encrypted to a recipient."""

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """The file key, or None when no stanza is for this identity.

        Raises `HeaderError` for a stanza that breaks its type's rules.
        """
