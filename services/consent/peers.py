"""What the consent service asks of the directory: whether it knows a party, its names, where a practitioner belongs.

Owns these questions. Refuses to guess: an answer that is neither yes nor no is a service that cannot be asked just
now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx
from concord_formats.vocabulary import PartyKind

from services.chassis.peer_http import PeerUnavailableError

from .rules.standing import Member
from .rules.terms import Party


@dataclass(frozen=True)
class Affiliation:
    """A practitioner with the organization they belong to, and whether their account is active."""

    member: Member
    active: bool


@dataclass(frozen=True)
class Named:
    """A party's name, and the id and name of the organization that it is, or belongs to."""

    name: str
    organization: tuple[UUID, str]


class Names(Protocol):
    """Who knows what parties are called."""

    def named(self, party: Party) -> Named | None:
        """The names of a party; None when there is no such party. Raises problem 503 `peer-unavailable`."""


class Parties(Protocol):
    """Who knows the parties."""

    def knows(self, party: Party) -> bool:
        """Whether the party exists and is active. Raises problem 503 `peer-unavailable`."""

    def affiliation(self, practitioner: UUID) -> Affiliation | None:
        """Where a practitioner belongs; None when there is no such person. Raises problem 503 `peer-unavailable`."""

    def delegator(self, delegation: UUID, delegate: Member) -> Member | None:
        """In whose name the delegate may write by this delegation now; None: in nobody's. Raises problem 503."""


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
        answer = self._ask(party)
        return isinstance(answer, dict) and answer.get("status") == "active"

    def affiliation(self, practitioner: UUID) -> Affiliation | None:
        """Where a practitioner belongs; None when there is no such person. Raises problem 503 `peer-unavailable`."""
        answer = self._ask(Party(PartyKind.PRACTITIONER, practitioner))
        if answer is None:
            return None
        try:
            member = Member(practitioner, UUID(answer["organization"]["id"]))
            return Affiliation(member, answer["status"] == "active")
        except (KeyError, TypeError, ValueError):
            raise PeerUnavailableError("directory") from None

    def delegator(self, delegation: UUID, delegate: Member) -> Member | None:
        """In whose name the delegate may write by this delegation now; None: in nobody's.

        Raises problem 503 `peer-unavailable`.
        """
        answer = self._get(f"/v1/service/delegations/{delegation}")
        try:
            if answer is None or not answer["holds"]:
                return None
            given_to = Member(UUID(answer["delegate"]), UUID(answer["organization"]))
            return Member(UUID(answer["delegator"]), given_to.organization) if given_to == delegate else None
        except (KeyError, TypeError, ValueError):
            raise PeerUnavailableError("directory") from None

    def named(self, party: Party) -> Named | None:
        """The names of a party; None when there is no such party. Raises problem 503 `peer-unavailable`."""
        answer = self._ask(party)
        if answer is None:
            return None
        try:
            home = answer["organization"] if party.kind is PartyKind.PRACTITIONER else answer
            return Named(str(answer["name"]), (UUID(home["id"]), str(home["name"])))
        except (KeyError, TypeError, ValueError):
            raise PeerUnavailableError("directory") from None

    def _ask(self, party: Party) -> Any:
        """What the directory tells of a party; None when it knows none."""
        return self._get(f"/v1/parties/{party.kind.value}/{party.id}")

    def _get(self, path: str) -> Any:
        """What the directory answers; None when there is no such thing."""
        response = self._peer.get(path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code != httpx.codes.OK:
            raise PeerUnavailableError("directory")
        try:
            return response.json()
        except ValueError:
            raise PeerUnavailableError("directory") from None
