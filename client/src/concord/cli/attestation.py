"""What somebody attests of a signed form, as options of the commands that take one.

Owns their names and what they mean together. Refuses to attest the statements of Concord's form for another's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from concord_formats.vocabulary import ConsentType, FormLanguage, FormStatement, SignerAuthority

from ..api import Attestation
from ..forms import statements_in
from .choices import words

SignedOn = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which it was signed.")]
Method = Annotated[str, typer.Option(help="How it was signed: ink, electronic or verbal.")]
OwnForm = Annotated[
    str | None,
    typer.Option(
        "--own-form-states",
        help="It is your practice's own form: what you read in it, with commas, or `all`. "
        f"[{', '.join(FormStatement)}] Without this, it is the form that `concord consent print` made.",
        show_default=False,
    ),
]
Language = Annotated[FormLanguage, typer.Option(help="The language of the form.")]
Authority = Annotated[
    SignerAuthority | None, typer.Option(help="A representative signed, by this authority.", show_default=False)
]
Witness = Annotated[UUID | None, typer.Option(help="The practitioner who saw it signed.", show_default=False)]
CopyGiven = Annotated[bool, typer.Option("--copy-given", help="The signer was given a copy (45 CFR 164.508(c)(4)).")]


def attestation(
    type_: ConsentType,
    signed_on: datetime | None,
    method: str,
    own_form_states: str | None,
    language: FormLanguage,
    authority: SignerAuthority | None,
    witness: UUID | None,
    copy_given: bool,
) -> Attestation:
    """The options as one attestation; raises `typer.BadParameter` for what is missing or unknown."""
    if signed_on is None:
        raise typer.BadParameter("name the day on which the form was signed", param_hint="--signed-on")
    if signed_on.astimezone() > datetime.now().astimezone():  # on this machine's calendar, as on the form
        raise typer.BadParameter("the day is in the future", param_hint="--signed-on")
    own = own_form_states is not None
    return Attestation(
        signed_on=signed_on.date(),
        method=method,
        form="own" if own else "concord",
        language=language,
        statements=sorted(statements_in(type_)) if own_form_states is None else _statements(own_form_states),
        signer="representative" if authority else "patient",
        authority=authority,
        witness=witness,
        copy_given=copy_given,
    )


def _statements(text: str) -> list[FormStatement]:
    return list(FormStatement) if text.strip() == "all" else words(FormStatement, text, "--own-form-states")
