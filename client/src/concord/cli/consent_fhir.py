"""`concord consent import`, `export`: a consent from, or for, another system that speaks FHIR R4.

Owns how is told what was replaced, what was left out and what begins anew. Refuses silence about any of it, and a
patient's name: the patient is an alias of one's own or a token.
"""

from __future__ import annotations

import json as json_
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from concord_formats.fhir_consent import Place

from ..fhir_consents import MAX_BYTES, Imported
from ..private_files import replacing
from .consent import ConsentId, last_day
from .output import Json, note, show
from .session import Home, PassphraseFile, unlock

PatientReference = Annotated[
    str | None, typer.Option(help="The other system's own reference to the patient, such as Patient/f001.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to those of `consent`."""
    app.command("import")(import_consent)
    app.command("export")(export_consent)


def import_consent(
    file: Annotated[Path, typer.Argument(help="A FHIR R4 Consent as JSON; - for standard input.")],
    patient: Annotated[str, typer.Option(help="Alias or token of the patient.")],
    patient_reference: PatientReference = None,
    ignore_wording: Annotated[
        bool,
        typer.Option(
            "--ignore-wording",
            help="Leave out narrative, display texts, a server's housekeeping and a form in the clear; all are listed.",
        ),
    ] = False,
    version_of: Annotated[UUID | None, typer.Option(help="Make the next version of this consent.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Draft a consent from a FHIR resource; what cannot be represented is listed with its path, and nothing is drafted.

    The resource stays on this device: it may hold the patient's name. Days in it are those of this machine's zone.
    """
    content = _read(file)
    with unlock(home, passphrase_file) as client:
        made = client.fhir_consents.draft_from(
            content,
            patient,
            patient_reference=patient_reference,
            ignoring=ignore_wording,
            version_of=version_of,
        )
    show(_value(made), _told(made), as_json=json)
    note(f"This is a draft. Attach the signed form: concord consent attach {made.consent.id} --form FILE")


def export_consent(
    consent: ConsentId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it; - for standard output.")],
    patient_reference: PatientReference = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write a consent as FHIR R4: the version in force, else the newest. It names nobody."""
    with unlock(home, passphrase_file) as client:
        resource = client.fhir_consents.resource(consent, patient_reference=patient_reference)
    content = json_.dumps(resource, indent=2).encode() + b"\n"
    if str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    with replacing(output) as target:
        target.write(content)


def _read(path: Path) -> bytes:
    """The file, or as much of it as shows that it is too large."""
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with path.open("rb") as source:
        return source.read(MAX_BYTES + 1)


def _value(made: Imported) -> dict[str, Any]:
    lists = {"replaced": made.replaced, "ignored": made.ignored, "anew": made.anew}
    told = {name: [{"path": each.path, "detail": each.detail} for each in places] for name, places in lists.items()}
    return {"consent": made.consent.model_dump(mode="json"), **told}


def _told(made: Imported) -> str:
    version = made.consent.latest
    lines = [f"Consent {made.consent.id}, version {version.version}: {version.status}, through {last_day(version)}"]
    lines += _listed("Replaced", made.replaced)
    lines += _listed("Left out, as you asked", made.ignored)
    lines += _listed("Not carried over", made.anew)
    return "\n".join(lines)


def _listed(title: str, places: tuple[Place, ...]) -> list[str]:
    return [f"{title}:", *(f"  {each.path}: {each.detail}" for each in places)] if places else []
