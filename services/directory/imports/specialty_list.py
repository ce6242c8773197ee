"""The code list of specialties: NUCC's CSV takes the place of the one that was there, whole or not at all.

Owns its columns and what may stand in them. Refuses a list with a line that is wrong: half a list would let half of the
clinicians not be found.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import delete

from services.chassis.db import Database

from ..models import Specialty
from ..rules.people import is_taxonomy
from ..rules.words import words_of

# Older lists have no display name and no section, and dates that nobody needs here.
NEEDED = ("Code", "Grouping", "Classification", "Specialization", "Definition")
_DISPLAY = "Display Name"
_MOST = {"Grouping": 200, "Classification": 200, "Specialization": 200, _DISPLAY: 300}


class ListError(ValueError):
    """The list is wrong in a line, and in a column where it is that of one."""

    def __init__(self, line: int, column: str | None, reason: str) -> None:
        super().__init__(f"line {line}, {column}: {reason}" if column else f"line {line}: {reason}")
        self.line = line
        self.column = column


def read(path: Path) -> list[Specialty]:
    """Every specialty of a list. Raises `ListError` for the first line that is wrong, OSError."""
    known: dict[str, Specialty] = {}
    for line, row in _rows(_text(path.read_bytes())):
        specialty = _specialty(line, row)
        if specialty.code in known:
            raise ListError(line, "Code", "stands here for the second time")
        known[specialty.code] = specialty
    if not known:
        raise ListError(1, None, "no specialty follows")
    return list(known.values())


def replace(database: Database, specialties: list[Specialty]) -> None:
    """Put these in the place of what is there."""
    with database.transaction() as session:
        session.execute(delete(Specialty))
        session.add_all(specialties)


def _text(data: bytes) -> str:
    """NUCC wrote some of its lists in Windows-1252."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The line on which each row begins, and its columns by name."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        names = [name.strip() for name in next(reader, [])]
        if missing := [name for name in NEEDED if name not in names]:
            raise ListError(1, None, f"has no column {', '.join(missing)}")
        begins = reader.line_num + 1
        for row in reader:
            if any(value.strip() for value in row):
                yield begins, _named(begins, names, row)
            begins = reader.line_num + 1
    except csv.Error:
        raise ListError(begins, None, "has a broken quote") from None


def _named(line: int, names: list[str], row: list[str]) -> dict[str, str]:
    if len(row) != len(names):
        raise ListError(line, None, f"has {len(row)} columns instead of {len(names)}")
    return {name: " ".join(value.split()) for name, value in zip(names, row, strict=True)}


def _specialty(line: int, row: dict[str, str]) -> Specialty:
    if not is_taxonomy(row["Code"]):
        raise ListError(line, "Code", "nine capital letters or digits and an X, such as 103T00000X")
    if not row["Classification"]:
        raise ListError(line, "Classification", "is empty")
    for column, most in _MOST.items():
        if len(row.get(column, "")) > most:
            raise ListError(line, column, f"longer than {most} characters")
    if wrong := next((name for name, value in row.items() if "\x00" in value), None):
        raise ListError(line, wrong, "has a character that cannot be shown")
    return Specialty(
        code=row["Code"],
        grouping=row["Grouping"],
        classification=row["Classification"],
        specialization=row["Specialization"],
        display=row.get(_DISPLAY) or _shown(row),
        definition=row["Definition"],
        words=words_of(row.get(_DISPLAY, ""), row["Classification"], row["Specialization"]),
    )


def _shown(row: dict[str, str]) -> str:
    """A name for a list without display names: `Psychologist, Clinical`."""
    return ", ".join(part for part in (row["Classification"], row["Specialization"]) if part)[: _MOST[_DISPLAY]]
