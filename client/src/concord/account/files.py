"""In which forms an account is written to a file.

Owns the choice, and the mode of the file (0600, whole or not at all). Refuses to touch what is under signature: the
JSON holds every line as it came.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from ..private_files import replacing
from .accounts import Fetched
from .sheet import AccountSheet


class Format(StrEnum):
    """The form of a file; `json` alone can be verified."""

    JSON = "json"
    CSV = "csv"
    PDF = "pdf"
    FHIR = "fhir"


def written_as(format_: Format, fetched: Fetched, sheet: AccountSheet) -> bytes:
    """The file's bytes."""
    match format_:
        case Format.JSON:
            return fetched.raw
        case Format.CSV:
            from .as_csv import as_csv  # noqa: PLC0415 - each form is loaded when it is asked for

            return as_csv(sheet)
        case Format.PDF:
            from .as_pdf import as_pdf  # noqa: PLC0415 - fonts and shaping take a while to load

            return as_pdf(sheet)
        case Format.FHIR:
            from .as_fhir import as_fhir  # noqa: PLC0415 - beside them

            return as_fhir(sheet)


def write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    with replacing(path) as target:
        target.write(content)


__all__ = ["Format", "write", "written_as"]
