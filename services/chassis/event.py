"""The envelope of everything that goes over the bus: CloudEvents 1.0, structured JSON.

Owns the shape and the encoding. Refuses payloads: what `data` holds is each service's `events.py` and `spec/events.md`.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, PrivateAttr, ValidationError

TYPE_PREFIX = "care.concord."


class EventError(ValueError):
    """Bytes that are no event of ours."""


class Event(BaseModel):
    """One past-tense fact. `epoch` and `sequence` are CloudEvents extension attributes, set on numbered feeds only."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    time: AwareDatetime
    subject: str | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    epoch: UUID | None = None
    sequence: int | None = None
    data: dict[str, Any]
    # Beside the event, never in it: its bytes are kept in accounts, whoever traced them.
    _traceparent: str | None = PrivateAttr(default=None)

    @classmethod
    def create(cls, source: str, type_: str, data: dict[str, Any], *, time: Any, **more: Any) -> Event:
        """A new event with a random id.

        `source` is the service's name, `type_` such as `care.concord.consent.revoked.v1`.
        """
        return cls(id=uuid4(), source=source, type=type_, data=data, time=time, **more)

    @property
    def traceparent(self) -> str | None:
        """The trace (W3C Trace Context) of what recorded it, when that was traced."""
        return self._traceparent

    def traced(self, traceparent: str | None) -> Event:
        """The same event as part of a trace."""
        if traceparent is None:
            return self
        made = self.model_copy()
        made._traceparent = traceparent
        return made

    def encode(self) -> bytes:
        """The structured-mode JSON bytes (content type `application/cloudevents+json`)."""
        return self.model_dump_json(exclude_none=True).encode("utf-8")

    @classmethod
    def decode(cls, body: bytes) -> Event:
        """Read structured-mode bytes. Raises `EventError`."""
        try:
            return cls.model_validate_json(body)
        except ValidationError:
            raise EventError("not a CloudEvents 1.0 event of Concord") from None
