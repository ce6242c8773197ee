"""One's own entry in the directory: what it says, that it is right, and whether others find it.

Owns how an entry is changed in part, and how often its owner is asked whether it still holds. Refuses to confirm
anything by itself: that is the owner's word.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from .api.listings import ListingsApi, OwnEntry
from .errors import ConcordError
from .store import SealedStore

DOCUMENT = "own-listing"
# Once a day is often enough for what changes a few times a year.
ASK_AFTER_SECONDS = 24 * 3600
# What an owner says of themselves; the rest of an entry is the account's.
MEMBERS = (
    "languages", "telehealth", "accepting", "ages", "plans", "line", "city", "state", "postal_code", "phone", "hidden",
)  # fmt: skip


class OwnListing:
    """The entry of `me`; each act takes somebody else of the organization that one administers, too."""

    def __init__(self, api: ListingsApi, me: UUID, store: SealedStore, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._me = me
        self._store = store
        self._clock = clock

    def show(self, of: UUID | None = None) -> OwnEntry:
        """The entry. Raises `ServiceError` (`not-found`: an administrator has none)."""
        return self._api.own(of or self._me)

    def edit(self, changes: Mapping[str, Any], of: UUID | None = None) -> OwnEntry:
        """Change some members, and leave the others as they are; all of it counts as confirmed then.

        `specialties` are NUCC codes. Raises `ServiceError` (`invalid-field` names the member).
        """
        return self._api.keep(of or self._me, written(self.show(of)) | dict(changes))

    def confirm(self, of: UUID | None = None) -> OwnEntry:
        """Say that the entry is right as it stands. Raises `ServiceError`."""
        return self._api.confirm(of or self._me)

    def due(self) -> OwnEntry | None:
        """The entry when its owner is to be asked whether it still holds, at most once a day; else None.

        Not being able to ask is no matter: there is another day.
        """
        if not self._store.due(DOCUMENT, "asked", self._clock(), ASK_AFTER_SECONDS):
            return None
        try:
            entry = self.show()
        except ConcordError:
            return None
        return entry if entry.stale else None


def written(entry: OwnEntry) -> dict[str, Any]:
    """What an entry says, as it is sent."""
    members = entry.model_dump(mode="json")
    return {name: members[name] for name in MEMBERS} | {"specialties": [each.code for each in entry.specialties]}


__all__ = ["ASK_AFTER_SECONDS", "MEMBERS", "OwnListing", "written"]
