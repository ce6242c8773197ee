"""`concord inbox`, `receipts`.

Owns the lists of letters: in whose name one went and to which team is a column where there is something to say. Refuses
to open any.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from ..api import InboxEntry
from ..api.shapes import readable
from ..client import Client
from .output import Json, show_rows
from .session import Home, PassphraseFile, unlock


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (inbox, receipts):
        app.command()(command)


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
        rows = [_received(client, entry) for entry in entries]
    show_rows(_without_empty(rows, json), empty="No letters.", as_json=json)


def receipts(
    letter: Annotated[UUID | None, typer.Option(help="Only this letter.")] = None,
    on_behalf: Annotated[bool, typer.Option("--on-behalf", help="Letters that others sent in your name.")] = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """What became of the letters that you sent:

    released, fetched, opened, with each recipient's signed receipt checked.
    """
    with unlock(home, passphrase_file) as client:
        lines = client.letters.status(letter) if letter else client.letters.receipts(on_behalf=on_behalf)
        rows = [
            {
                "letter": str(line.letter),
                "sent_by": client.colleagues.name(line.sender) if line.on_behalf_of and line.sender else None,
                **_in_whose_name(client, line.on_behalf_of, line.team),
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
    empty = "Nobody has sent a letter in your name." if on_behalf else "You have sent no letters."
    show_rows(_without_empty(rows, json), empty=empty, as_json=json)


def _received(client: Client, entry: InboxEntry) -> dict[str, Any]:
    with readable():
        address = entry.parsed_address
    return {
        "letter": str(entry.letter),
        "from": client.colleagues.name(address.sender),
        **_in_whose_name(client, address.on_behalf_of, address.team),
        "patient": client.address_book.alias(address.patient) or address.patient,
        "information": ", ".join(sorted(address.information)),
        "size": entry.size,
        "released": f"{entry.released_at:%Y-%m-%d %H:%M}",
        "opened": f"{entry.opened_at:%Y-%m-%d %H:%M}" if entry.opened_at else "no",
        "cursor": entry.cursor,
    }


def _in_whose_name(client: Client, delegator: UUID | None, team: UUID | None) -> dict[str, Any]:
    """In whose name a letter went, and to which team; nothing for an ordinary one."""
    return {
        "on_behalf_of": client.colleagues.name(delegator) if delegator else None,
        "team": client.letters.name(f"team:{team}") if team else None,
    }


def _without_empty(rows: list[dict[str, Any]], as_json: bool) -> list[dict[str, Any]]:
    """For a person, no column of delegations or teams where there are none."""
    if as_json:
        return rows
    empty = {name for name in ("sent_by", "on_behalf_of", "team") if not any(row.get(name) for row in rows)}
    return [{name: cell for name, cell in row.items() if name not in empty} for row in rows]


def _moment(moment: Any) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else None
