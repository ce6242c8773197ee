"""Sheets with a code, written where they are printed from.

Owns the way of such a sheet to a file or to the screen. Refuses a place that cannot be written before the code is made:
it would be gone, as it is shown once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..forms.code_sheet import CodeSheet
from ..private_files import replacing
from .output import note


def check_place(output: Path) -> None:
    """Raises OSError when the sheet could not be written there."""
    if str(output) == "-":
        return
    with replacing(output.with_name(f"{output.name}.place")) as probe:
        probe.write(b"")
    output.with_name(f"{output.name}.place").unlink()


def write_sheet(sheet: CodeSheet, output: Path, remark: str) -> None:
    """Write it as PDF, or as text for any other ending; `-` is standard output. `remark` is for whoever prints it."""
    if str(output) == "-":
        sys.stdout.write(sheet.text)
        return
    with replacing(output) as target:
        target.write(sheet.pdf if output.suffix.lower() == ".pdf" else sheet.text.encode())
    note(remark)


__all__ = ["check_place", "write_sheet"]
