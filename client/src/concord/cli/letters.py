"""`concord send`, `resend`.

Owns the commands that send; their opening is in `opening`, their lists are in `letter_lists`. Refuses to choose labels:
it says which were found, and the sender declares.
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
from . import letter_lists, opening
from .addressing import with_covering
from .choices import words
from .opening import LetterId
from .output import Json, note, progress, show
from .session import Home, PassphraseFile, unlock

# Of the places where a label was found, this many are told.
PLACES = 3


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (send, resend):
        app.command()(command)
    letter_lists.register(app)
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
    to_team: Annotated[UUID | None, typer.Option(help="A team: it goes to each of its present members.")] = None,
    on_behalf_of: Annotated[UUID | None, typer.Option(help="In whose name; they let you by a delegation.")] = None,
    covering: Annotated[
        bool, typer.Option("--covering", help="Also to who covers for a recipient who is away.")
    ] = False,
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
            team=to_team,
            on_behalf_of=on_behalf_of,
        )
        draft = with_covering(client, draft, covering=covering)
        found: list[Proposal] = []
        with progress("Sealing", size, quiet=json) as step, _saying_where(found):
            sent = client.letters.send(draft, step=step, proposed=found.append)
        show_sent(client, sent, json, found[0])


def resend(letter: LetterId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Hand over again a letter whose sending was interrupted; it is never delivered twice."""
    with unlock(home, passphrase_file) as client:
        show_sent(client, client.letters.resend(letter), json)


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
