"""`concord send`, `resend`, `inbox`, `open`, `receipts`.

Owns the commands about letters. Refuses to print a document to a terminal unless it is text.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from uuid import UUID

import typer
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from ..client import Client
from ..documents import check, describe
from ..letter import OpenedLetter
from ..letters import Draft, Sent
from .choices import words
from .output import Json, progress, show, show_rows
from .session import Home, PassphraseFile, unlock

LetterId = Annotated[UUID, typer.Argument(help="The letter's id.")]
# A text letter up to this size is shown on the screen; a longer one is for `--output`.
SCREENFUL = 64 * 1024


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (send, resend, inbox, receipts):
        app.command()(command)
    app.command("open")(open_letter)


def send(  # noqa: PLR0913, PLR0917 - the options of a letter
    document: Annotated[Path, typer.Argument(help="FHIR Bundle, C-CDA, PDF or text; - for standard input.")],
    consent: Annotated[UUID, typer.Option(help="The consent that the letter goes under.")],
    information: Annotated[str, typer.Option(help=f"What is in it, with commas: {', '.join(Information)}.")],
    sensitivity: Annotated[str, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.")] = "general",
    purpose: Annotated[Purpose, typer.Option(help="Why it is sent.")] = Purpose.TREATMENT,
    to: Annotated[list[UUID] | None, typer.Option(help="A recipient's id [default: the consent's].")] = None,
    reply_to: Annotated[UUID | None, typer.Option(help="The letter that this one answers.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Seal a document and send it, if the patient's consent covers it."""
    with unlock(home, passphrase_file) as client, _document(document) as (body, size):
        media_type = check(body)
        draft = Draft(
            body=body,
            media_type=media_type,
            consent=consent,
            purpose=purpose,
            information=frozenset(words(Information, information, "--information")),
            sensitivity=frozenset(words(Sensitivity, sensitivity, "--sensitivity")),
            recipients=tuple(to or ()),
            reply_to=reply_to,
        )
        with progress("Sealing", size, quiet=json) as step:
            sent = client.letters.send(draft, step=step)
        _show_sent(client, sent, json)


def resend(letter: LetterId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Hand over again a letter whose sending was interrupted; it is never delivered twice."""
    with unlock(home, passphrase_file) as client:
        _show_sent(client, client.letters.resend(letter), json)


def inbox(
    wait: Annotated[float, typer.Option(help="Seconds to wait for a letter when there is none.", min=0, max=25)] = 0,
    after: Annotated[str | None, typer.Option(help="Only letters after this cursor.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """List the letters that were released to you."""
    with unlock(home, passphrase_file) as client:
        entries, _ = client.letters.inbox(after=after, wait=wait)
        rows = [
            {
                "letter": str(entry.letter),
                "from": client.directory.practitioner(entry.parsed_address.sender).name,
                "patient": client.address_book.alias(entry.parsed_address.patient) or entry.parsed_address.patient,
                "information": ", ".join(sorted(entry.parsed_address.information)),
                "size": entry.size,
                "released": f"{entry.released_at:%Y-%m-%d %H:%M}",
                "opened": f"{entry.opened_at:%Y-%m-%d %H:%M}" if entry.opened_at else "no",
                "cursor": entry.cursor,
            }
            for entry in entries
        ]
    show_rows(rows, empty="No letters.", as_json=json)


def open_letter(
    letter: LetterId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the document there, for the chart; - for standard output."),
    ] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Open a letter: check who sealed it and under which consent, then show or write the document."""
    with unlock(home, passphrase_file) as client:
        if output is not None and str(output) != "-":
            _show_opened(client, client.letters.open(letter, output), f"written to {output}", json)
            return
        with tempfile.SpooledTemporaryFile(max_size=1 << 40) as body:  # in memory: nothing unsealed touches the disk
            opened = client.letters.open(letter, body)  # type: ignore[arg-type]  # it is a BinaryIO in all but name
            body.seek(0)
            if output is not None:
                shutil.copyfileobj(body, sys.stdout.buffer)
                return
            _show_opened(client, opened, _summary(body, opened), json)  # type: ignore[arg-type]


def receipts(
    letter: Annotated[UUID | None, typer.Option(help="Only this letter.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """What became of the letters that you sent:

    released, fetched, opened, with each recipient's signed receipt checked.
    """
    with unlock(home, passphrase_file) as client:
        lines = client.letters.status(letter) if letter else client.letters.receipts()
        rows = [
            {
                "letter": str(line.letter),
                "recipient": client.directory.practitioner(line.recipient).name,
                "state": line.state,
                "reason": line.reason,
                "released": _moment(line.released_at),
                "fetched": _moment(line.fetched_at),
                "opened": _moment(line.opened_at),
                "receipt": "verified" if line.verified else line.doubt,
            }
            for line in lines
        ]
    show_rows(rows, empty="You have sent no letters.", as_json=json)


@contextmanager
def _document(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    if str(path) == "-":
        body: BinaryIO = io.BytesIO(sys.stdin.buffer.read())
        yield body, len(body.getbuffer())  # type: ignore[attr-defined]  # a BytesIO
        return
    with path.open("rb") as body:
        yield body, path.stat().st_size


def _show_sent(client: Client, sent: Sent, as_json: bool) -> None:
    names = ", ".join(client.directory.practitioner(person).name for person in sent.recipients)
    state = sent.answer["state"]
    told = {
        "released": f"Released to {names}.",
        "held": f"Held for {names}: it leaves as soon as the consent can be checked.",
    }
    show(sent.answer, f"Letter {sent.letter}\n{told.get(state, state)}", as_json=as_json)


def _show_opened(client: Client, opened: OpenedLetter, document: str, as_json: bool) -> None:
    statement = opened.statement
    sender = client.directory.practitioner(statement.sender)
    alias = client.address_book.alias(statement.patient)
    value: dict[str, Any] = statement.model_dump(mode="json") | {"verified": True, "document": document}
    text = (
        f"From         {sender.name}, {sender.organization.name}\n"
        f"Verified     sealed by {sender.name}'s own device; nothing was changed on the way\n"
        f"Consent      {statement.consent}, version {statement.consent_version}, for {statement.purpose}\n"
        f"Patient      {alias or 'not in your address book'} ({statement.patient})\n"
        f"Contains     {', '.join(sorted(statement.information))} ({', '.join(sorted(statement.sensitivity))})\n"
        f"Document     {document}"
    )
    show(value, text, as_json=as_json)


def _summary(body: BinaryIO, opened: OpenedLetter) -> str:
    media_type = opened.statement.body.type
    if media_type.startswith("text/plain") and opened.statement.body.size <= SCREENFUL:
        return "\n\n" + body.read().decode("utf-8", "replace")
    return describe(body, media_type).text


def _moment(moment: Any) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else None
