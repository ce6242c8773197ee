"""A directory that lies, for one client: it hands out a key of its own in the place of somebody's.

Owns the answer that is exchanged on the way. Refuses to exchange any other: all else is what the services say.
"""

from __future__ import annotations

import json
from uuid import UUID

import httpx
from concord.keyring import Keyring
from concord_formats.signatures import to_base64url


class SwappedKey(httpx.BaseTransport):
    """The services, but that whoever asks for the keys of `victim` gets keys that the directory made itself."""

    def __init__(self, victim: UUID) -> None:
        self._inner = httpx.HTTPTransport()
        self._path = f"/directory/v1/practitioners/{victim}/keys"
        first = Keyring.create(victim).first_entry
        entry = {"entry": to_base64url(first.entry), "signature": to_base64url(first.signature)}
        self._lie = json.dumps({"entries": [entry]})

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, or the lie."""
        response = self._inner.handle_request(request)
        if request.url.path != self._path:
            return response
        response.close()
        return httpx.Response(200, headers={"Content-Type": "application/json"}, text=self._lie)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
