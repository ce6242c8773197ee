"""`concord directory find`.

Owns the question as options. Refuses a distance that is given twice; what is answered is shown by `found.py`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..api.listings import AgeGroup, Question
from ..finding import DEFAULT_FOUND, MAX_FOUND
from .found import KM_PER_MILE, show_found
from .output import Json
from .session import Home, PassphraseFile, unlock


def find(  # noqa: PLR0913, PLR0917 - what a clinician asks
    text: Annotated[
        list[str] | None,
        typer.Argument(help="A name, an NPI, a specialty, a place: psychologist near Springfield, MA."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The name, however it is spelt.")] = None,
    npi: Annotated[str | None, typer.Option(help="National Provider Identifier, ten digits.")] = None,
    specialty: Annotated[
        list[str] | None, typer.Option(help="NUCC code or plain words; may be given again: any of them.")
    ] = None,
    organization: Annotated[str | None, typer.Option(help="Where they work: its name or id.")] = None,
    near: Annotated[str | None, typer.Option(help="A town and its state, or a ZIP code.")] = None,
    within: Annotated[float | None, typer.Option(help="How far from there, in miles.", min=0)] = None,
    within_km: Annotated[float | None, typer.Option(help="How far from there, in kilometres.", min=0)] = None,
    language: Annotated[str | None, typer.Option(help="A language they speak: Spanish, or es.")] = None,
    telehealth: Annotated[bool, typer.Option("--telehealth", help="Only who sees patients by video.")] = False,
    plan: Annotated[str | None, typer.Option(help="An insurance plan they accept.")] = None,
    accepting: Annotated[bool, typer.Option("--accepting", help="Only who accepts new patients.")] = False,
    age: Annotated[AgeGroup | None, typer.Option(help="Whom they treat.")] = None,
    enrolled: Annotated[bool, typer.Option("--enrolled", help="Only whom you can write to.")] = False,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=MAX_FOUND)] = DEFAULT_FOUND,
    all_: Annotated[bool, typer.Option("--all", help=f"As many as the directory shows: {MAX_FOUND}.")] = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Find colleagues: by name, NPI, specialty, organization, place, language, insurance plan."""
    question = Question(
        text=" ".join(text) if text else None,
        name=name,
        npi=npi,
        specialties=tuple(specialty or ()),
        organization=organization,
        near=near,
        within_km=_kilometres(within, within_km),
        language=language,
        telehealth=telehealth or None,
        plan=plan,
        accepting=accepting or None,
        age=age,
        enrolled=enrolled or None,
    )
    with unlock(home, passphrase_file) as client:
        found = client.finding.find(question, limit=MAX_FOUND if all_ else limit)
    show_found(found, as_json=json)


def _kilometres(miles: float | None, kilometres: float | None) -> float | None:
    if miles is not None and kilometres is not None:
        raise typer.BadParameter("give the distance once: --within, or --within-km", param_hint="--within")
    return kilometres if miles is None else round(miles * KM_PER_MILE, 3)


__all__ = ["find"]
