"""The address of explanations: parse, call the use case, present.

Owns the route and its shapes. Refuses logic, and a GET: what would be sent about whom stands in no URL.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from concord_formats.address import PatientToken
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from flask import Response
from pydantic import Field

from services.chassis.problems import declared
from services.chassis.web import SIGNED_IN, Answer, Body, answer, blueprint

from .explain import Question, Told, explain
from .rules.explain import Judgement
from .rules.lifecycle import Status
from .rules.mends import Dimension, Missing
from .shapes import MAX_WORDS
from .signed_in import collaborators, member

explanations = blueprint("explanations", __name__, tag="Explanations", security=SIGNED_IN)


class QuestionBody(Body):
    """What the caller would send to a practitioner about a patient, and why. A letter names at least one of each."""

    patient: PatientToken
    to: UUID
    purpose: Purpose
    information: Annotated[list[Information], Field(min_length=1, max_length=MAX_WORDS)]
    sensitivity: Annotated[list[Sensitivity], Field(min_length=1, max_length=MAX_WORDS)]

    def question(self) -> Question:
        """As the use case knows it."""
        labels = frozenset(self.information), frozenset(self.sensitivity)
        return Question(self.patient, self.to, self.purpose, *labels)


class Decision(StrEnum):
    """What the gate would say."""

    PERMIT = "permit"
    REFUSE = "refuse"


class LackAnswer(Answer):
    """What is missing in one dimension, where it is written, and how to mend it."""

    dimension: Dimension
    value: str
    citation: str | None
    mend: str

    @classmethod
    def of(cls, missing: Missing) -> LackAnswer:
        """As the rules found it."""
        return cls(dimension=missing.dimension, value=missing.value, citation=missing.citation, mend=missing.mend)


class ReasonAnswer(Answer):
    """What one version of a consent covers of the letter, and what it lacks; nothing missing is a permit."""

    consent: UUID
    version: int
    status: Status
    covers: list[Dimension]
    missing: list[LackAnswer]

    @classmethod
    def of(cls, judged: Judgement) -> ReasonAnswer:
        """As the rules found it."""
        missing = [LackAnswer.of(each) for each in judged.missing]
        covers = list(judged.covers)
        return cls(consent=judged.consent, version=judged.version, status=judged.status, covers=covers, missing=missing)


class ExplanationAnswer(Answer):
    """Permit or refuse, and why, nearest consent first.

    `restriction`: the caller's side agreed to withhold something of it. `declined`: the patient declined coordination
    with this recipient, as the caller's organization has on record; that alone refuses nothing.
    """

    decision: Decision
    reasons: list[ReasonAnswer]
    restriction: bool
    declined: bool

    @classmethod
    def of(cls, told: Told) -> ExplanationAnswer:
        """As the use case told it."""
        found = told.explanation
        return cls(
            decision=Decision.PERMIT if found.permit else Decision.REFUSE,
            reasons=[ReasonAnswer.of(each) for each in found.judgements],
            restriction=found.restriction,
            declined=told.declined,
        )


@explanations.post("/v1/explanations", responses={200: ExplanationAnswer, **declared(400, 401, 415, 503)})
def explain_decision(body: QuestionBody) -> Response:
    """Whether a letter of the caller's would go now, and what is missing; nothing is sent or recorded."""
    return answer(ExplanationAnswer.of(explain(collaborators(), member(), body.question())))
