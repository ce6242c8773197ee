"""`concord patient code`, `code-cancel`: the code of a patient's own page.

Owns these commands. Refuses to show a code twice, or to write it anywhere but where it is printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from concord_formats.vocabulary import FormLanguage

from ..forms import Practice, render_code_sheet
from .output import Json, show
from .patient import app
from .session import Home, PassphraseFile, unlock
from .sheets import write_sheet

Patient = Annotated[str, typer.Argument(help="Alias or token of the patient.")]


@app.command()
def code(
    patient: Patient,
    output: Annotated[Path, typer.Option("--output", "-o", help="The sheet: FILE.pdf or FILE.txt; - prints the text.")],
    practice_address: Annotated[str, typer.Option(help="Your practice's address, for questions.")],
    practice_phone: Annotated[str | None, typer.Option(help="A telephone number for questions.")] = None,
    language: Annotated[FormLanguage, typer.Option(help="en or es.")] = FormLanguage.ENGLISH,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Print a new code for the patient's own page. The one before opens nothing any more."""
    with unlock(home, passphrase_file) as client:
        issued = client.patient_codes.issue(client.address_book.token(patient))
        practice = Practice(client.whoami().organization.name, practice_address, practice_phone)
    sheet = render_code_sheet(issued.code, language.value, practice, issued.page)
    write_sheet(sheet, output, f"Give the sheet to the patient, and delete {output}: the code is on it.")


@app.command("code-cancel")
def code_cancel(
    patient: Patient, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """Cancel a patient's code, for one who lost it."""
    with unlock(home, passphrase_file) as client:
        client.patient_codes.cancel(client.address_book.token(patient))
    show({"cancelled": True}, "Cancelled. No code opens this patient's page.", as_json=json)


__all__ = ["app"]
