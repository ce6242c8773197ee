"""The directory's public token keys, as the other services know them.

Owns the fetching of the key set (RFC 7517) and how long it is believed. Refuses to give up the keys it has when the
directory is away: who is signed in stays so until their token ends.
"""

from __future__ import annotations

import threading

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from .clock import Clock
from .peer_http import HttpPeer, PeerUnavailableError

PATH = "/.well-known/jwks.json"
# A key taken out of the set is refused after this time at the latest; a new key is published twice as long before it
# signs.
CACHE_SECONDS = 300
# An unknown key id may be a new key, or somebody's invention: the directory is asked, but not at every invention.
REFETCH_SECONDS = 10


class RemoteKeys:
    """A `KeySource` that asks the directory. Thread-safe; one a process."""

    def __init__(self, directory: HttpPeer, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._keys: dict[str, OKPKey] = {}
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def find(self, kid: str) -> OKPKey | None:
        """The key of that id, or None. Raises `PeerUnavailableError` when no key was ever fetched."""
        age = self._clock.boottime() - self._asked
        if age > CACHE_SECONDS or (kid not in self._keys and age > REFETCH_SECONDS):
            self._refresh()
        return self._keys.get(kid)

    def _refresh(self) -> None:
        with self._lock:
            if self._clock.boottime() - self._asked <= REFETCH_SECONDS and self._keys:
                return  # another thread has just asked
            try:
                self._keys = self._fetch()
                self._asked = self._clock.boottime()
            except PeerUnavailableError:
                if not self._keys:
                    raise
                # Believe what is known a little longer, and do not hold up every request to ask again.
                self._asked = self._clock.boottime() - CACHE_SECONDS + REFETCH_SECONDS

    def _fetch(self) -> dict[str, OKPKey]:
        response = self._directory.get(PATH)
        try:
            if response.status_code != 200:
                raise ValueError("no key set")
            keys = [OKPKey.import_key(key) for key in response.json()["keys"]]
            return {str(key.kid): key for key in keys}
        except (JoseError, ValueError, KeyError, TypeError):
            raise PeerUnavailableError(self._directory.service) from None
