"""The consent service's calls about restrictions, declined coordination and explained decisions.

Owns their shapes and paths. Refuses a patient's name, and a question in a URL: what would be sent about whom is a body.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from concord_formats.vocabulary import Information, Purpose, Sensitivity
from pydantic import Field

from ..transport import Transport
from .consent import Party
from .shapes import Answer, paged


class Withholding(Answer):
    """What a patient asked a provider to withhold: from whom (None: anybody), which labels (none: everything)."""

    patient: str
    discloser: Party
    recipient: Party | None
    information: list[Information]
    sensitivity: list[Sensitivity]
    requested_on: date


class Restriction(Withholding):
    """A restriction on record. `status` is `agreed`, `declined-by-provider` or `ended`.

    `effective_at`: since when its last change is known to hold everywhere.
    """

    id: UUID
    status: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_how: str | None = None
    effective_at: datetime | None = None


class Declined(Answer):
    """A record that a patient declined coordination, with a party or, without one, with anybody."""

    id: UUID
    patient: str
    party: Party | None = Field(alias="with")
    declined_on: date
    created_at: datetime
    withdrawn_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether the patient has not changed their mind since."""
        return self.withdrawn_at is None


class Question(Answer):
    """What one would send to a practitioner about a patient, and why."""

    patient: str
    to: UUID
    purpose: Purpose
    information: list[Information]
    sensitivity: list[Sensitivity]


class Lack(Answer):
    """What is missing in one dimension, where it is written, and how to mend it."""

    dimension: str
    value: str
    citation: str | None = None
    mend: str


class Reason(Answer):
    """What one version of a consent covers, and what it lacks; nothing missing is a permit."""

    consent: UUID
    version: int
    status: str
    covers: list[str]
    missing: list[Lack]


class Explanation(Answer):
    """`decision` is `permit` or `refuse`; the reasons stand nearest first."""

    decision: str
    reasons: list[Reason]
    restriction: bool
    declined: bool

    @property
    def permit(self) -> bool:
        """Whether the letter would go."""
        return self.decision == "permit"


class RestrictionsApi:
    """Calls to `/consent` about what is withheld, declined and explained."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def put(self, asked: Withholding, *, agreed: bool) -> Restriction:
        """Put on record what a patient asked for, and whether the provider agreed to it."""
        body = asked.model_dump(mode="json") | {"agreed": agreed}
        return Restriction.model_validate(self._json("POST", "/restrictions", json=body))

    def end(self, restriction: UUID, how: str) -> Restriction:
        """End a restriction; `how` is `patient-agreed` or `patient-requested`."""
        return Restriction.model_validate(self._json("POST", f"/restrictions/{restriction}/end", json={"how": how}))

    def restrictions(self, patient: str) -> Iterator[Restriction]:
        """The restrictions of a patient that are one's own side's."""
        query = {"patient": patient}
        return paged(lambda q: self._json("GET", "/restrictions", params=q), "restrictions", Restriction, query)

    def put_declined(self, patient: str, party: Party | None, declined_on: date) -> Declined:
        """Put on record that a patient declined coordination; `party` None: with anybody."""
        with_ = party.model_dump(mode="json") if party else None
        body = {"patient": patient, "with": with_, "declined_on": declined_on.isoformat()}
        return Declined.model_validate(self._json("POST", "/declined", json=body))

    def withdraw_declined(self, declined: UUID) -> Declined:
        """The patient changed their mind."""
        return Declined.model_validate(self._json("POST", f"/declined/{declined}/withdraw"))

    def declined(self, patient: str) -> Iterator[Declined]:
        """What one's organization recorded of a patient."""
        query = {"patient": patient}
        return paged(lambda q: self._json("GET", "/declined", params=q), "declined", Declined, query)

    def explain(self, question: Question) -> Explanation:
        """Whether a letter of one's own would go now, and what is missing. Nothing is sent or recorded."""
        return Explanation.model_validate(self._json("POST", "/explanations", json=question.model_dump(mode="json")))

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._transport.json(method, "/consent/v1" + path, **request)
