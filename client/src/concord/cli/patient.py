"""`concord patient add`, `list`, `remove`: the sealed address book of patients.

Owns the prompts for a patient's name. Refuses the name as an argument: it is asked for, or read from standard input.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.prompt import Prompt

from .output import Json, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="Your own aliases for patients; names never leave your devices unsealed.", no_args_is_help=True)
Alias = Annotated[str, typer.Argument(help="A short alias that tells nothing, such as blue-heron.")]


@app.command()
def add(
    alias: Alias,
    token: Annotated[str | None, typer.Option(help="A token that a colleague's letter or consent brought.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Add a patient under an alias; the name is asked for, or read from standard input."""
    with unlock(home, passphrase_file) as client:
        name = Prompt.ask("Patient's name") if sys.stdin.isatty() else sys.stdin.readline().strip()
        entry = client.address_book.add(alias, name, token=token)
    show({"alias": alias, "token": entry.token}, f"{alias} is {entry.token}", as_json=json)


@app.command("list")
def list_patients(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """List your patients by alias."""
    with unlock(home, passphrase_file) as client:
        rows = [{"alias": a, "name": e.name, "token": e.token} for a, e in client.address_book.entries().items()]
    show_rows(rows, empty="No patients yet; add one with: concord patient add ALIAS", as_json=json)


@app.command()
def remove(alias: Alias, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Forget a patient's alias and name on your devices; consents and letters stay."""
    with unlock(home, passphrase_file) as client:
        token = client.address_book.token(alias)
        client.address_book.remove(alias)
    told = (
        f"{alias} is forgotten, on your other devices once they take it over. To add the patient again you would need "
        f"the token: {token}"
    )
    show({"alias": alias, "token": token}, told, as_json=json)
