"""The summary of a document, for the screen of somebody who may read it.

Owns what is shown. Refuses control characters and endless lines: what a document says must not move a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_LONGEST = 200
_MOST_SECTIONS = 100


@dataclass(frozen=True)
class DocumentSummary:
    """Title, size in bytes, and where the document has them: patient, birth date (ISO 8601), sections, profile."""

    media_type: str
    title: str
    size: int
    patient_name: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)
    sections: tuple[str, ...] = ()
    profile: str | None = None

    @property
    def text(self) -> str:
        """The summary as lines of text."""
        lines = [f"{self.title} ({self._size()})"]
        if self.profile:
            lines.append(f"Profile   {self.profile}")
        if self.patient_name:
            born = f", born {self.birth_date}" if self.birth_date else ""
            lines.append(f"Patient   {self.patient_name}{born}")
        if self.sections:
            lines.append(f"Sections  {', '.join(self.sections)}")
        return "\n".join(lines)

    def _size(self) -> str:
        if self.size < 1000:
            return f"{self.size} bytes"
        return f"{self.size / 1000:.0f} kB" if self.size < 1_000_000 else f"{self.size / 1_000_000:.1f} MB"


def shown(value: object) -> str | None:
    """A text fit for one line of a screen, or None when there is none."""
    if not isinstance(value, str):
        return None
    line = "".join(character if character.isprintable() else " " for character in value[: 4 * _LONGEST])
    return " ".join(line.split())[:_LONGEST] or None


def shown_all(values: list[object]) -> tuple[str, ...]:
    """Those of the values that can be shown, the first hundred."""
    return tuple(text for value in values[:_MOST_SECTIONS] if (text := shown(value)))


__all__ = ["DocumentSummary", "shown", "shown_all"]
