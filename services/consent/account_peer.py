"""What the account asks of messaging: its lines, and how many there are.

Owns these two questions. Refuses to guess: an answer that is no list of lines is a service that cannot be asked just
now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar
from urllib.parse import urlencode

import httpx
from concord_formats.address import PatientToken
from pydantic import BaseModel, Field, ValidationError

from services.chassis.event import Event, EventError
from services.chassis.peer_http import PeerUnavailableError

from .peers import Peer


class Disclosures(Protocol):
    """Who has the authoritative account of disclosures."""

    def lines(self, patient: str, after: int) -> Sequence[Event]:
        """A patient's lines after a number, in order, some at a time. Raises problem 503 `peer-unavailable`."""

    def counts(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """The number of lines of at most `limit` patients after a token, in order. Raises `PeerUnavailableError`."""


class _Line(BaseModel):
    event: str


class _Lines(BaseModel):
    lines: list[_Line]


class _Count(BaseModel):
    patient: PatientToken
    last: int = Field(ge=1)


class _Counts(BaseModel):
    counts: list[_Count]


Shape = TypeVar("Shape", bound=BaseModel)


class Messaging:
    """Messaging, asked over HTTP."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def lines(self, patient: str, after: int) -> Sequence[Event]:
        """A patient's lines after a number, in order, some at a time. Raises problem 503 `peer-unavailable`."""
        found = self._ask(_Lines, "disclosures", patient=patient, after=str(after))
        try:
            return [Event.decode(each.event.encode()) for each in found.lines]
        except (EventError, UnicodeEncodeError):
            raise PeerUnavailableError("messaging") from None

    def counts(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """The number of lines of at most `limit` patients after a token, in order. Raises `PeerUnavailableError`."""
        found = self._ask(_Counts, "disclosure-counts", after=after, limit=str(limit))
        return [(each.patient, each.last) for each in found.counts]

    def _ask(self, shape: type[Shape], what: str, **query: str) -> Shape:
        response = self._peer.get(f"/v1/service/{what}?{urlencode(query)}")
        if response.status_code != httpx.codes.OK:
            raise PeerUnavailableError("messaging")
        try:
            return shape.model_validate_json(response.content)
        except ValidationError:
            raise PeerUnavailableError("messaging") from None
