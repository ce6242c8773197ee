"""One's own history of keys, and the next entry of it.

Owns that what one signs goes on from a history that was fetched just now and checked, as anybody's is. Refuses to sign
over what another device did meanwhile: who comes second looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from concord_formats.key_entries import KeyEntry, SignedEntry, read_entries

from .colleagues import Colleagues
from .errors import ServiceError
from .own_keys import OwnKeys
from .signing import next_entry

# Another device may be first with the next entry; one that is so again and again is not a person's.
ATTEMPTS = 4
CONFLICT = "key-entry-conflict"


class OwnHistory:
    """One's own history of keys, checked and fresh, and the next entry of it."""

    def __init__(self, colleagues: Colleagues, own: OwnKeys) -> None:
        self._colleagues = colleagues
        self._own = own

    def signed(self) -> Sequence[SignedEntry]:
        """Oldest first. Raises `PinError`, `ServiceError`, `UnreachableError`."""
        return self._colleagues.history(self._colleagues.me, fresh=True)

    def entries(self) -> list[KeyEntry]:
        """As `signed`, read."""
        return read_entries(self.signed())

    def append(self, before: SignedEntry, **change: Any) -> dict[str, Any] | None:
        """Sign and publish the entry after `before`; the directory's answer, or None when another one came first."""
        entry = next_entry(self._own.keyring.identity_key(), before, **change)
        try:
            return self._colleagues.publish(entry)
        except ServiceError as refused:
            if refused.type != CONFLICT:
                raise
            return None


__all__ = ["ATTEMPTS", "OwnHistory"]
