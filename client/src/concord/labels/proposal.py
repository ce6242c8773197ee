"""What was found in a document, and what of it a sender does not declare.

Owns the shapes. Refuses the document's own words: a finding holds a code, the value set's name for it and the path of
the element, and stays on the client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from concord_formats.vocabulary import Information, Sensitivity

Label: TypeAlias = Information | Sensitivity


@dataclass(frozen=True)
class Finding:
    """Why a label is proposed: the first element (`path`) that holds this code.

    `system` is the code system's short name, `display` the value set's own word for the code, `value_set` its title.
    """

    label: Label
    system: str
    code: str
    display: str
    value_set: str
    path: str


@dataclass(frozen=True)
class Proposal:
    """The least labels that a letter with this document carries.

    `readable` is false when the document has no codes to read (PDF, text): the sender alone knows. `restricted` is true
    when the document calls itself restricted (HL7 Confidentiality R or V) and does not say why.
    """

    information: frozenset[Information] = frozenset()
    sensitivity: frozenset[Sensitivity] = frozenset()
    findings: tuple[Finding, ...] = field(default=(), repr=False)
    readable: bool = True
    restricted: bool = False


@dataclass(frozen=True)
class LeftOut:
    """Labels that were found and are not declared. False when there are none."""

    information: frozenset[Information] = frozenset()
    sensitivity: frozenset[Sensitivity] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.information or self.sensitivity)

    @property
    def words(self) -> tuple[str, ...]:
        """The labels as sorted words, for a statement's `labels_left_out`."""
        return tuple(sorted(label.value for label in (*self.information, *self.sensitivity)))


__all__ = ["Finding", "Label", "LeftOut", "Proposal"]
