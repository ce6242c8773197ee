"""`concord delegation give`, `list`, `revoke`.

Owns the commands about who may write in whose name. Refuses to give what is not named: there is no delegation of
everything.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from ..client import Client
from ..delegations import Listed, Right
from .choices import words
from .days import Since, Until, end_of, shown, shown_end, start_of
from .output import Json, show, show_rows
from .session import Home, PassphraseFile, unlock

# Whoever releases in an emergency records their own judgement (42 CFR 2.51).
_GIVEN = [purpose for purpose in Purpose if purpose is not Purpose.EMERGENCY]
app = typer.Typer(help="Let a colleague send letters in your name.", no_args_is_help=True)


@app.command()
def give(  # noqa: PLR0913, PLR0917 - what a delegation says
    practitioner: Annotated[UUID, typer.Argument(help="A colleague of your organization.")],
    information: Annotated[
        str, typer.Option(help=f"What the letters may hold, with commas: {', '.join(Information)}.")
    ],
    until: Until,
    sensitivity: Annotated[str, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.")] = "general",
    purpose: Annotated[str, typer.Option(help=f"What for, with commas: {', '.join(_GIVEN)}.")] = "treatment",
    since: Since = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Let a colleague send letters in your name, visibly so, with exactly these rights, until a day."""
    with unlock(home, passphrase_file) as client:
        right = client.delegations.give(
            practitioner,
            words(Purpose, purpose, "--purpose"),
            words(Information, information, "--information"),
            words(Sensitivity, sensitivity, "--sensitivity"),
            end_of(until.date()),
            since=start_of(since.date()) if since else None,
        )
        row = _row(client, right)
    text = f"Delegation {right.id}\n{row['to']} may send letters in your name until {row['until']}: {row['may']}"
    show(row, text, as_json=json)


@app.command("list")
def list_delegations(
    everybody: Annotated[
        bool, typer.Option("--everybody", help="As an administrator: those of your whole organization.")
    ] = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """List what you gave and what was given to you, each checked by its giver's signature."""
    with unlock(home, passphrase_file) as client:
        rows = [_listed(client, each) for each in client.delegations.listed(everybody=everybody)]
    if not json and not any(row["doubt"] for row in rows):
        rows = [{name: cell for name, cell in row.items() if name != "doubt"} for row in rows]
    own = "You have given no delegation, and none was given to you."
    show_rows(rows, empty="Nobody has given a delegation." if everybody else own, as_json=json)


@app.command()
def revoke(
    delegation: Annotated[UUID, typer.Argument(help="The delegation's id.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Take a delegation back, and wait until no letter can leave by it any more."""
    with unlock(home, passphrase_file) as client:
        at = client.delegations.revoke(delegation)
    value = {"delegation": delegation, "effective_at": at}
    show(value, f"Revoked. In effect everywhere since {shown(at)}.", as_json=json)


def _listed(client: Client, listed: Listed) -> dict[str, Any]:
    if listed.right is not None:
        return _row(client, listed.right)
    kept = listed.kept
    by, to = (client.colleagues.name(who) for who in (kept.delegator, kept.delegate))
    unsigned = dict.fromkeys(("may", "from", "until"))
    return {"id": str(kept.id), "by": by, "to": to, **unsigned, "status": kept.status, "doubt": listed.doubt}


def _row(client: Client, right: Right) -> dict[str, Any]:
    said = right.said
    labels = (*sorted(said.purposes), *sorted(said.information), *sorted(said.sensitivity))
    return {
        "id": str(right.id),
        "by": client.colleagues.name(said.delegator),
        "to": client.colleagues.name(said.delegate),
        "may": ", ".join(labels),
        "from": shown(said.valid_from),
        "until": shown_end(said.valid_until),
        "status": right.status,
        "doubt": None,
    }
