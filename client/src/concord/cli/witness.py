"""`concord witness key`, `run`, `status`.

Owns the commands of whoever runs a witness, who need not be enrolled. Refuses a key as an argument: only verifier keys,
which are public, stand there.
"""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer
from concord_formats.notes import NoteError, VerifierKey

from .. import witness as service
from .output import Json, note, show, show_rows

app = typer.Typer(no_args_is_help=True, help="A witness: cosigns what a key log has only appended to.")

KeyFile = Annotated[Path, typer.Option("--key", help="File of the witness's private key.")]
State = Annotated[Path, typer.Option(help="Folder of what was cosigned; never copied back from a backup.")]


@app.command()
def key(
    file: KeyFile,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name in signatures, an address without https:// [default: this machine's name].", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make a witness's key, and print the verifier key that its logs and their clients are told."""
    signer = service.make_key(file, name or socket.getfqdn())
    show({"verifier": signer.verifier, "name": signer.name}, signer.verifier, as_json=json)


@app.command()
def run(
    file: KeyFile,
    state: State,
    log: Annotated[list[str], typer.Option(help="Verifier key of a log to witness; once for each.")],
    bind: Annotated[str, typer.Option(help="Address and port; a proxy with TLS stands in front.")] = "127.0.0.1:8091",
) -> None:
    """Serve a witness until it is told to end."""
    signer, logs, states = service.read_key(file), [_log_key(each) for each in log], service.States(state)
    states.claim(signer.verifier)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        server = service.WitnessServer(service.WitnessApp(service.Witness(signer, logs, states)), bind)
    except ValueError:
        raise typer.BadParameter("write HOST:PORT", param_hint="--bind") from None
    note(f"{signer.verifier} at http://{server.address}")
    server.run()


@app.command()
def status(state: State, json: Json = False) -> None:
    """Show what was cosigned last for each log, and whether there is evidence against one."""
    states = service.States(state)
    rows = [
        {
            "log": cosigned.checkpoint.origin,
            "size": cosigned.checkpoint.size,
            "root": cosigned.checkpoint.root.hex(),
            "cosigned_at": cosigned.at,
            **evidence,
        }
        for cosigned, evidence in states.logs()
    ]
    if json:
        show({"verifier": states.key(), "logs": rows}, "", as_json=True)
        return
    note(states.key())
    show_rows(rows, empty="Nothing was cosigned yet.", as_json=False)


def _log_key(text: str) -> VerifierKey:
    try:
        return VerifierKey.decode(text)
    except NoteError as error:
        raise typer.BadParameter(f"{error}", param_hint="--log") from None
