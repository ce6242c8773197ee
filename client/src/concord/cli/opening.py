"""`concord open`: to the screen, to a file, to a pipe, to paper.

Owns the showing of a letter. Refuses to print a document to a terminal unless it is text, and to give one out without
what goes before it: the notice, the consent's scope, the labels that its sender left out (42 CFR 2.32).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast
from uuid import UUID

import typer

from ..client import Client
from ..documents import describe
from ..letter import OpenedLetter
from ..letter.printed import print_letter
from ..letter.showing import Row, as_text
from ..letters import NOTICE_ENDING
from ..private_files import replacing
from .output import Json, note, show
from .session import Home, PassphraseFile, unlock

LetterId = Annotated[UUID, typer.Argument(help="The letter's id.")]
# A text letter up to this size is shown on the screen; a longer one is for `--output`.
SCREENFUL = 64 * 1024


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("open")(open_letter)


def open_letter(
    letter: LetterId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the document there, for the chart; - for standard output."),
    ] = None,
    paper: Annotated[
        Path | None,
        typer.Option("--print", help="Write a PDF to print: the notice and the consent's scope, then the text."),
    ] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Open a letter: check who sealed it and under which consent, then show or write the document."""
    if output is not None and paper is not None:
        raise typer.BadParameter("choose one of --output and --print", param_hint="--print")
    with unlock(home, passphrase_file) as client:
        if output is not None and str(output) != "-":
            _to_file(client, letter, output, json)
            return
        with tempfile.SpooledTemporaryFile(max_size=1 << 40) as spool:  # in memory: nothing unsealed touches the disk
            body = cast(BinaryIO, spool)
            opened = client.letters.open(letter, body)
            body.seek(0)
            if paper is not None:
                _to_paper(client, opened, body, paper, json)
                return
            if output is None:
                _show(client, opened, _summary(body, opened), json)
                return
            _note_before(client, opened)
            shutil.copyfileobj(body, sys.stdout.buffer)


def _to_file(client: Client, letter: UUID, output: Path, as_json: bool) -> None:
    opened = client.letters.open(letter, output)
    written = f"written to {output}"
    if opened.notice:
        note(opened.notice)
        written += f", with its notice in {output.name}{NOTICE_ENDING}"
    _show(client, opened, written, as_json)


def _to_paper(client: Client, opened: OpenedLetter, body: BinaryIO, paper: Path, as_json: bool) -> None:
    printed = print_letter(opened, [*client.letters.before(opened), *_about(client, opened)], body)
    with replacing(paper) as file:
        file.write(printed)
    if opened.notice:
        note(opened.notice)
    _show(client, opened, f"to print, in {paper}", as_json)


def _note_before(client: Client, opened: OpenedLetter) -> None:
    """On standard error, for standard output is the document's alone."""
    for line in as_text(client.letters.before(opened)).splitlines():
        note(line)


def _show(client: Client, opened: OpenedLetter, document: str, as_json: bool) -> None:
    before = client.letters.before(opened)
    rows = [*before, *_about(client, opened)]
    show(_as_value(opened, before, document), f"{as_text(rows)}\nDocument     {document}", as_json=as_json)


def _about(client: Client, opened: OpenedLetter) -> list[Row]:
    statement = opened.statement
    sender = client.colleagues.person(statement.sender, fresh=False)
    alias = client.address_book.alias(statement.patient)
    return [
        ("From", f"{sender.name}, {sender.organization.name}"),
        ("Verified", f"sealed by {sender.name}'s own device; nothing was changed on the way"),
        ("Consent", f"{statement.consent}, version {statement.consent_version}, for {statement.purpose}"),
        ("Patient", f"{alias or 'not in your address book'} ({statement.patient})"),
        ("Contains", f"{', '.join(sorted(statement.information))} ({', '.join(sorted(statement.sensitivity))})"),
    ]


def _as_value(opened: OpenedLetter, before: list[Row], document: str) -> dict[str, Any]:
    members = opened.statement.model_dump(mode="json")
    first = {"notice": opened.notice, "doubts": list(opened.doubts), "before": as_text(before).splitlines()}
    return (
        first
        | {name: value for name, value in members.items() if name != "notice"}
        | {
            "verified": True,
            "document": document,
        }
    )


def _summary(body: BinaryIO, opened: OpenedLetter) -> str:
    media_type = opened.statement.body.type
    if media_type.startswith("text/plain") and opened.statement.body.size <= SCREENFUL:
        return "\n\n" + body.read().decode("utf-8", "replace")
    return describe(body, media_type).text
