"""`concord send-again`.

Owns the command for a letter whose recipient has lost the keys it was sealed to. Refuses to choose: its sender sends it
again, and the consent in force decides.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from .letters import show_sent
from .opening import LetterId
from .output import Json
from .session import Home, PassphraseFile, unlock


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command("send-again")(send_again)


def send_again(
    letter: LetterId,
    to: Annotated[list[UUID] | None, typer.Option(help="Only to this recipient of it [default: all].")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Seal a letter that you sent as a new one, to its recipients' present keys, if the consent still covers it."""
    with unlock(home, passphrase_file) as client:
        show_sent(client, client.letters_again.send(letter, tuple(to or ())), json)
