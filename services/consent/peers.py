"""What the consent service asks of others: whether the directory knows a party.

Owns that one question. Refuses to guess: an answer that is neither yes nor no is a service that cannot be asked just
now.
"""

from __future__ import annotations

from typing import Protocol

import httpx

from services.chassis.peer_http import PeerUnavailableError

from .rules.terms import Party


class Parties(Protocol):
    """Who knows the parties."""

    def knows(self, party: Party) -> bool:
        """Whether the party exists and is active. Raises problem 503 `peer-unavailable`."""


class Peer(Protocol):
    """The part of an `HttpPeer` that is used here."""

    def get(self, path: str) -> httpx.Response:
        """GET a path. Raises `PeerUnavailableError`."""


class Directory:
    """The directory, asked over HTTP."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def knows(self, party: Party) -> bool:
        """Whether the party exists and is active. Raises problem 503 `peer-unavailable`."""
        response = self._peer.get(f"/v1/parties/{party.kind.value}/{party.id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return False
        if response.status_code != httpx.codes.OK:
            raise PeerUnavailableError("directory")
        return _is_active(response)


def _is_active(response: httpx.Response) -> bool:
    try:
        answer = response.json()
    except ValueError:
        raise PeerUnavailableError("directory") from None
    return isinstance(answer, dict) and answer.get("status") == "active"
