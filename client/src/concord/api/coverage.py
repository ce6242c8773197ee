"""The directory's calls about who covers for somebody who is away.

Owns the shape of those answers. Refuses to send anybody anything: a covering colleague is written to by who sends.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ..errors import ServiceError
from ..transport import Transport
from .directory import Organization
from .shapes import Answer, readable


class CoveringColleague(Answer):
    """Who covers, as the directory shows them; `status` is that of their account."""

    id: UUID
    name: str
    organization: Organization
    status: str


class Coverage(Answer):
    """`practitioner` is away from `starts_at` until `ends_at`, and `covering` stands in."""

    practitioner: UUID
    covering: CoveringColleague
    starts_at: datetime
    ends_at: datetime


class CoverageApi:
    """Calls to `/directory` about coverage."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def of(self, practitioner: UUID) -> Coverage | None:
        """Who covers for somebody, now or later; None when nobody was named."""
        try:
            answer = self._transport.json("GET", self._path(practitioner))
        except ServiceError as refused:
            if refused.type == "not-found":
                return None
            raise
        with readable():
            return Coverage.model_validate(answer)

    def put(self, practitioner: UUID, covering: UUID, starts_at: datetime, ends_at: datetime) -> Coverage:
        """As its owner or their administrator: say who covers."""
        body = {"covering": str(covering), "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
        answer = self._transport.json("PUT", self._path(practitioner), json=body)
        with readable():
            return Coverage.model_validate(answer)

    def delete(self, practitioner: UUID) -> None:
        """As its owner or their administrator: back again."""
        self._transport.json("DELETE", self._path(practitioner))

    def _path(self, practitioner: UUID) -> str:
        return f"/directory/v1/practitioners/{practitioner}/coverage"


__all__ = ["Coverage", "CoverageApi", "CoveringColleague"]
