"""The scope of a consent, as it travels inside a letter, and the notice that goes with Part 2 records.

Owns the shape of a scope, what a letter says that its scope does not cover, and when the notice is due. Refuses to
judge the consent itself: the gate has done so, on the consent as it stood then. A scope is the sender's own clear
explanation to the reader, in words of the vocabulary only. Sources: 42 CFR 2.32(a)(2) (notice), 2.32(b) (scope).
Specified in `spec/letter.md`, "Scope and notice".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from concord_formats.address import Address
from concord_formats.scalars import Moment
from concord_formats.vocabulary import (
    PART_2_LABELS,
    PART_2_NOTICE,
    ConsentType,
    ExpiryEvent,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
)
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PartyText = Annotated[str, StringConstraints(pattern=rf"^(practitioner|organization):{_UUID}$")]


def _exact(text: str) -> str:
    # A reader that shows a notice as the law's own must not show a sender's wording in its place.
    if text != PART_2_NOTICE:
        raise ValueError("must be the notice of 42 CFR 2.32(a)(2), word for word")
    return text


Notice = Annotated[str, AfterValidator(_exact)]

# Under which consents a label may travel: psychotherapy notes and SUD counseling notes under their own, a program's
# records under one of 42 CFR Part 2. An emergency release (2.51) may carry any.
_EMERGENCY = ConsentType.EMERGENCY
_TYPES_FOR = {
    Sensitivity.PART_2: frozenset(
        {ConsentType.PART_2_CONSENT, ConsentType.PART_2_TPO, ConsentType.SUD_COUNSELING_NOTES, _EMERGENCY}
    ),
    Sensitivity.SUD_COUNSELING_NOTES: frozenset({ConsentType.SUD_COUNSELING_NOTES, _EMERGENCY}),
    Sensitivity.PSYCHOTHERAPY_NOTES: frozenset({ConsentType.PSYCHOTHERAPY_NOTES, _EMERGENCY}),
}


class ConsentScope(BaseModel):
    """What the consent version that a letter cites allows, in the letter's own direction.

    Parties are `practitioner:<id>` or `organization:<id>`. `valid_until` is not included; `expires_on` names an event
    that may end the consent sooner.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: ConsentType
    discloser: PartyText
    recipient: PartyText
    purposes: Annotated[frozenset[Purpose], Field(min_length=1)]
    information: Annotated[frozenset[Information], Field(min_length=1)]
    sensitivity: Annotated[frozenset[Sensitivity], Field(min_length=1)]
    valid_from: Moment
    valid_until: Moment
    expires_on: ExpiryEvent | None = None

    def uncovered(self, letter: Address) -> tuple[str, ...]:
        """What the letter says that this scope does not allow, a line each; none when it covers the letter.

        An organization covers whoever belongs to it, which only a directory can tell: it is not doubted here.
        """
        return tuple(self._uncovered(letter))

    def _uncovered(self, letter: Address) -> Iterator[str]:
        if letter.purpose not in self.purposes:
            yield f"the scope is not for the letter's purpose, {letter.purpose}"
        labels = [*(letter.information - self.information), *(letter.sensitivity - self.sensitivity)]
        if labels:
            yield f"the scope does not cover {', '.join(sorted(labels))}"
        for label in sorted(letter.sensitivity & _TYPES_FOR.keys()):
            if self.type not in _TYPES_FOR[label]:
                yield f"a consent of type {self.type} does not open {label}"
        if not _may_be(self.discloser, letter.on_behalf_of or letter.sender):
            whom = "the sender" if letter.on_behalf_of is None else "the one in whose name it is sent"
            yield f"the scope lets somebody else disclose, not {whom}"
        if not all(_may_be(self.recipient, person) for person in letter.recipients):
            yield "the scope names another recipient than the letter"


def is_part_2(sensitivity: frozenset[Sensitivity]) -> bool:
    """Whether labels say that 42 CFR Part 2 protects the records."""
    return bool(sensitivity & PART_2_LABELS)


def due_notice(sensitivity: frozenset[Sensitivity]) -> str | None:
    """The notice that records of these labels must carry, if any: 42 CFR 2.32(a)(2), word for word."""
    return PART_2_NOTICE if is_part_2(sensitivity) else None


def doubts(letter: Address, scope: ConsentScope | None, notice: str | None) -> tuple[str, ...]:
    """What a reader should be told of a letter's scope and notice, a line each, in the reader's own words.

    They do not refuse the letter: the gate has judged the consent itself, of which a scope is only the account.
    """
    lines = []
    if is_part_2(letter.sensitivity) and notice is None:
        lines.append("the letter came without the notice of 42 CFR 2.32(a); it is shown here all the same")
    if scope is None:
        if is_part_2(letter.sensitivity):
            lines.append("the letter came without the scope of its consent (42 CFR 2.32(b)): ask the sender for it")
        return tuple(lines)
    lines.extend(scope.uncovered(letter))
    if not scope.valid_from <= letter.sealed_at < scope.valid_until:
        lines.append("the letter was sealed outside the days of its scope")
    return tuple(lines)


def _may_be(party: str, person: UUID) -> bool:
    kind, _, id_ = party.partition(":")
    return kind != PartyKind.PRACTITIONER or id_ == str(person)


__all__ = ["ConsentScope", "Notice", "PartyText", "doubts", "due_notice", "is_part_2"]
