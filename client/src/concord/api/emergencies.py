"""The consent service's calls about emergencies and notices.

Owns their shapes. Refuses the nature of an emergency in the clear: it goes sealed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.signatures import to_base64url
from concord_formats.vocabulary import Information, Sensitivity

from ..transport import Transport
from .consent import Consent
from .shapes import Answer, paged


class Emergency(Answer):
    """One release without consent; `outcome` is a reviewer's: justified, not-justified or follow-up."""

    consent: UUID
    patient: str
    letter: UUID
    declared_by: UUID
    declared_at: datetime
    recipient: UUID
    information: list[Information]
    sensitivity: list[Sensitivity]
    reviewed_at: datetime | None = None
    reviewed_by: UUID | None = None
    outcome: str | None = None


class Notice(Answer):
    """Something one should know: `kind` is renewal-due or emergency-declared, `facts` are the kind's own."""

    kind: str
    consent: UUID
    patient: str
    at: datetime
    facts: dict[str, Any]


class EmergencyApi:
    """Calls to `/consent` about emergencies and notices."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def declare(
        self,
        letter: UUID,
        patient: str,
        recipient: UUID,
        information: list[Information],
        sensitivity: list[Sensitivity],
        documentation: bytes,
    ) -> Consent:
        """Declare an emergency for one letter; `documentation` is an age file."""
        body = {
            "letter": str(letter),
            "patient": patient,
            "recipient": str(recipient),
            "information": sorted(information),
            "sensitivity": sorted(sensitivity),
            "documentation": to_base64url(documentation),
        }
        return Consent.model_validate(self._json("POST", "/emergencies", json=body))

    def emergencies(self, *, waiting: bool) -> Iterator[Emergency]:
        """Those of one's organization, for its reviewers; all of them, or those that wait for a review."""
        query = {"state": "waiting" if waiting else "all"}
        return paged(lambda q: self._json("GET", "/emergencies", params=q), "emergencies", Emergency, query)

    def review(self, consent: UUID, outcome: str) -> Emergency:
        """Note what one found."""
        return Emergency.model_validate(self._json("POST", f"/emergencies/{consent}/review", json={"outcome": outcome}))

    def documentation(self, consent: UUID) -> bytes:
        """The sealed documentation, as stored."""
        return self._transport.send("GET", f"/consent/v1/emergencies/{consent}/documentation").content

    def notices(self) -> Iterator[Notice]:
        """What one should know, oldest first."""
        return paged(lambda q: self._json("GET", "/notices", params=q), "notices", Notice, {})

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._transport.json(method, "/consent/v1" + path, **request)
