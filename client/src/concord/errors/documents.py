"""What can be wrong with a document, a form or a FHIR resource.

Owns errors that name an element, a field or a label. Refuses values: the path is named, what stands there is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from concord_formats.fhir_consent import Place
from concord_formats.vocabulary import LabelReason

from .base import ConcordError


class DocumentError(ConcordError):
    """A document is not what it should be; `element` is the path of the element that is wrong, without its value."""

    hint_by_default = "Export the document again from where it came, or send it as PDF."

    def __init__(self, message: str, element: str = "") -> None:
        super().__init__(f"{element}: {message}" if element else message, element=element)
        self.element = element


class ConsentResourceError(ConcordError):
    """A FHIR Consent says what Concord cannot represent; `places` lists each path with what is said of it."""

    hint_by_default = "Nothing was drafted. Mend it where it came from; wording alone can be left out: --ignore-wording"

    @classmethod
    def of(cls, places: Iterable[Place]) -> Self:
        """One error for all of them, in the order of the paths."""
        known = sorted(set(places))
        listed = "".join(f"\n  {place.path}: {place.detail}" for place in known)
        members = [{"path": place.path, "detail": place.detail} for place in known]
        return cls(f"this Consent cannot be represented:{listed}", places=members)


class LabelsLeftOutError(ConcordError):
    """Labels that were found in the document are not declared, and no reason that will do is given.

    `labels` are the words of the labels, `reasons` those of the closed list that may be given for them.
    """

    def __init__(self, labels: Iterable[str], reasons: Iterable[LabelReason] = LabelReason) -> None:
        self.labels = tuple(labels)
        self.reasons = tuple(str(reason) for reason in reasons)
        super().__init__(
            f"the document's own codes ask for more labels: {', '.join(self.labels)}",
            f"Add them, or say why not with --label-reason: {', '.join(self.reasons)}.",
            labels=list(self.labels),
            reasons=list(self.reasons),
        )


class FormError(ConcordError):
    """A form cannot be printed as asked; `field` is what is wrong, without its value: it may be a patient's name."""

    hint_by_default = "Mend the field that is named, and print the form again."

    def __init__(self, field: str, detail: str, hint: str | None = None) -> None:
        super().__init__(f"{field}: {detail}", hint, field=field)
        self.field = field
