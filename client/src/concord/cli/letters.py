"""`concord send`, `resend`, `inbox`, `receipts`.

Owns the commands about letters, but their opening, which is in `opening`. Refuses to choose labels: it says which were
found, and the sender declares.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from uuid import UUID

import typer
from concord_formats.vocabulary import Information, LabelReason, Purpose, Sensitivity

from ..client import Client
from ..documents import check
from ..errors import LabelsLeftOutError
from ..labels import Finding, Label, Proposal
from ..letters import Draft, Sent
from . import opening
from .choices import words
from .opening import LetterId
from .output import Json, note, progress, show, show_rows
from .session import Home, PassphraseFile, unlock

# Of the places where a label was found, this many are told.
PLACES = 3


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (send, resend, inbox, receipts):
        app.command()(command)
    opening.register(app)


def send(  # noqa: PLR0913, PLR0917 - the options of a letter
    document: Annotated[Path, typer.Argument(help="FHIR Bundle, C-CDA, PDF or text; - for standard input.")],
    consent: Annotated[UUID, typer.Option(help="The consent that the letter goes under.")],
    information: Annotated[str, typer.Option(help=f"What is in it, with commas: {', '.join(Information)}.")],
    sensitivity: Annotated[str, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.")] = "general",
    purpose: Annotated[Purpose, typer.Option(help="Why it is sent.")] = Purpose.TREATMENT,
    label_reason: Annotated[
        LabelReason | None, typer.Option(help="Why labels that were found in the document are left out.")
    ] = None,
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
            label_reason=label_reason,
        )
        found: list[Proposal] = []
        with progress("Sealing", size, quiet=json) as step, _saying_where(found):
            sent = client.letters.send(draft, step=step, proposed=found.append)
        show_sent(client, sent, json, found[0])


def resend(letter: LetterId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Hand over again a letter whose sending was interrupted; it is never delivered twice."""
    with unlock(home, passphrase_file) as client:
        show_sent(client, client.letters.resend(letter), json)


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
                "from": client.colleagues.name(entry.parsed_address.sender),
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
                "recipient": client.colleagues.name(line.recipient),
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


@contextmanager
def _saying_where(found: list[Proposal]) -> Iterator[None]:
    """A refusal for labels left out says where in the document each was found."""
    try:
        yield
    except LabelsLeftOutError as error:
        error.hint = "\n".join((error.hint, *_where(each for each in found[0].findings if each.label in error.labels)))
        raise


def show_sent(client: Client, sent: Sent, as_json: bool, found: Proposal | None = None) -> None:
    names = ", ".join(client.colleagues.name(person) for person in sent.recipients)
    state = sent.answer["state"]
    told = {
        "released": f"Released to {names}.",
        "held": f"Held for {names}: it leaves as soon as the consent can be checked.",
    }
    proposed = {"proposed": _proposed(found)} if found else {}
    if found and not as_json:
        _note_proposal(found)
    show(sent.answer | proposed, f"Letter {sent.letter}\n{told.get(state, state)}", as_json=as_json)


def _note_proposal(found: Proposal) -> None:
    """Say on standard error which labels were found, and where."""
    if not found.readable:
        note("No codes can be read in this document: you alone know what is in it.")
    for line in _where(found.findings):
        note(line)
    if found.restricted:
        note("The document calls itself restricted and does not say why: its labels are yours to know.")


def _proposed(found: Proposal) -> dict[str, Any]:
    return {
        "readable": found.readable,
        "restricted": found.restricted,
        "information": sorted(found.information),
        "sensitivity": sorted(found.sensitivity),
    }


def _where(findings: Iterable[Finding]) -> Iterator[str]:
    """A line for each label: its first places, and how many more there are."""
    places: dict[Label, list[str]] = {}
    for finding in findings:
        places.setdefault(finding.label, []).append(finding.path)
    for label, paths in places.items():
        # The code itself is not repeated: what goes to standard error may be kept in somebody's log.
        more = f" and {len(paths) - PLACES} more" if len(paths) > PLACES else ""
        yield f"found {label} at {', '.join(paths[:PLACES])}{more}"


def _moment(moment: Any) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else None
