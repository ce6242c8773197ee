"""`concord consent explain`: would this letter go, and if not, what is missing.

Owns how an explanation is told. Refuses an exit status of its own: a refusal that is explained is an answer, and
`--json` says `decision`.
"""

from __future__ import annotations

from itertools import groupby
from typing import Annotated
from uuid import UUID

import typer
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from ..api.restrictions import Explanation, Reason
from .choices import words
from .output import Json, show
from .session import Home, PassphraseFile, unlock


def register(app: typer.Typer) -> None:
    """Add the command to those of `consent`."""
    app.command()(explain)


def explain(
    patient: Annotated[str, typer.Option(help="Alias or token of the patient.")],
    to: Annotated[UUID, typer.Option(help="The recipient's id.")],
    information: Annotated[str, typer.Option(help=f"What is in it, with commas: {', '.join(Information)}.")],
    sensitivity: Annotated[str, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.")] = "general",
    purpose: Annotated[Purpose, typer.Option(help="Why it would be sent.")] = Purpose.TREATMENT,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Ask whether a letter of yours would go now, and what is missing. Nothing is sent or recorded."""
    with unlock(home, passphrase_file) as client:
        kinds = frozenset(words(Information, information, "--information"))
        labels = frozenset(words(Sensitivity, sensitivity, "--sensitivity"))
        found = client.restrictions.explain(patient, to, purpose, kinds, labels)
    show(found.model_dump(mode="json"), _told(found), as_json=json)


def _told(found: Explanation) -> str:
    lines = ["Permit." if found.permit else "Refuse."]
    if found.permit:
        lines += [f"Covered by {_named(each)}." for each in found.reasons if not each.missing]
    else:
        lines += [line for each in found.reasons for line in _lacking(each)]
        if not found.reasons:
            lines.append("No consent that you are a party to covers this. Ask the patient for one.")
    if found.restriction:
        lines.append("Your side agreed with the patient to withhold something of it: concord restriction list")
    if found.declined:
        lines.append("Your organization has on record that the patient declined this: concord consent declined")
    return "\n".join(lines)


def _named(reason: Reason) -> str:
    return f"consent {reason.consent}, version {reason.version}"


def _lacking(reason: Reason) -> list[str]:
    lines = [f"{_named(reason).capitalize()} ({reason.status}):"]
    for mend, together in groupby(reason.missing, key=lambda each: each.mend):
        lines += [
            f"  {each.dimension}: {each.value}{f' ({each.citation})' if each.citation else ''}" for each in together
        ]
        lines.append(f"    {mend}")
    return lines
