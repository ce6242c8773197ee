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
# An unknown key id may be a new key, or somebody's invention: the directory is asked, but not at every invention; and a
# directory that does not answer is not asked by every request.
REFETCH_SECONDS = 10
# Who knows no key at all can let nobody in, and asks more often.
FIRST_FETCH_SECONDS = 1
# A new key comes with an answer that is under way, if that is soon. A directory that hangs must not hold every thread.
PATIENCE_SECONDS = 0.5


class RemoteKeys:
    """A `KeySource` that asks the directory. Thread-safe; one a process."""

    def __init__(self, directory: HttpPeer, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._keys: dict[str, OKPKey] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._lock = threading.Lock()

    def find(self, kid: str) -> OKPKey | None:
        """The key of that id, or None. Raises `PeerUnavailableError` when no key was ever fetched."""
        if kid not in self._keys or self._clock.boottime() - self._fetched > CACHE_SECONDS:
            self._refresh(self._patience(kid))
        return self._keys.get(kid)

    def _patience(self, kid: str) -> float:
        """Seconds that a request waits while another one asks already; -1: as long as that takes."""
        if not self._keys:
            return -1
        return 0 if kid in self._keys else PATIENCE_SECONDS

    def _refresh(self, patience: float) -> None:
        if not self._lock.acquire(timeout=patience):
            return
        try:
            if self._clock.boottime() - self._tried > (REFETCH_SECONDS if self._keys else FIRST_FETCH_SECONDS):
                self._try()
            elif not self._keys:
                raise PeerUnavailableError(self._directory.service)
        finally:
            self._lock.release()

    def _try(self) -> None:
        try:
            self._keys, self._fetched = self._fetch(), self._clock.boottime()
        except PeerUnavailableError:
            if not self._keys:
                raise  # else what is known is believed a little longer
        finally:
            self._tried = self._clock.boottime()  # at its end: those who queued for a slow answer do not ask in turn

    def _fetch(self) -> dict[str, OKPKey]:
        response = self._directory.get(PATH)
        try:
            if response.status_code != 200:
                raise ValueError("no key set")
            keys = [OKPKey.import_key(key) for key in response.json()["keys"]]
            return {str(key.kid): key for key in keys}
        except (JoseError, ValueError, KeyError, TypeError):
            raise PeerUnavailableError(self._directory.service) from None
