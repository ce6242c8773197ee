"""`concord recover`: this device becomes one of an account that has lost the others.

Owns the questions. Refuses a code as an argument: argument lists are read by everyone on a machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.prompt import Prompt

from ..api import Practitioner
from ..client import Client
from ..errors import AlreadyEnrolledError, RecoveryCodeError
from ..recovery import Kit, read_kit
from ..recovery.code import read_code
from ..recovery.kit import MAX_KIT_CHARACTERS, check_address
from .output import Json, note, show
from .session import Home, PassphraseFile, passphrase, profile
from .sign_on import NoBrowser, browsing

# A slip is told at once, by the code's own check characters; who makes more of them starts over with the sheet.
_ASK_AT_MOST = 3


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command()(recover)


def recover(
    address: Annotated[str | None, typer.Option(help="The address on the sheet [default: ask].")] = None,
    account: Annotated[UUID | None, typer.Option(help="The account on the sheet [default: ask].")] = None,
    kit_file: Annotated[
        Path | None, typer.Option(help="File with the text of the sheet's square code; - for standard input.")
    ] = None,
    accept_older: Annotated[
        bool, typer.Option("--accept-older", help="Take a backup that is behind the account's keys.")
    ] = False,
    no_browser: NoBrowser = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Every device is lost: make this one yours, with the recovery code on your sheet."""
    chosen = profile(home)
    if chosen.enrolled:
        raise AlreadyEnrolledError(chosen.home)
    kit = _kit(address, account, kit_file)
    given = passphrase(passphrase_file, new=not chosen.keyring.exists())  # an interrupted run goes on under its own
    with browsing(no_browser), Client.recover(chosen, kit, given, accept_older=accept_older) as client:
        me, others = client.whoami(), _others(client)
        behind = client.backup.behind
    value = {
        "practitioner": str(me.id),
        "device": str(client.settings.device),
        "others": [str(each) for each in others],
    }
    show(value, "\n".join(_told(me, client.settings.device, others)), as_json=json)
    if behind:
        note("No backup was stored from this device yet: concord recovery backup")


def _kit(address: str | None, account: UUID | None, kit_file: Path | None) -> Kit:
    if kit_file is not None:
        return read_kit(_read(kit_file))
    if not sys.stdin.isatty():
        raise RecoveryCodeError(
            "the code is needed, and there is no terminal to ask on",
            "Give the text of the sheet's square code: --kit-file FILE, or --kit-file - for standard input.",
        )
    address = address or Prompt.ask("Address of the services")
    check_address(address)
    account = account or _account(Prompt.ask("Account"))
    return Kit(address.rstrip("/"), account, _code())


def _read(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read(2 * MAX_KIT_CHARACTERS)
    with path.open(encoding="utf-8", errors="replace") as source:
        return source.read(2 * MAX_KIT_CHARACTERS)


def _account(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise RecoveryCodeError(
            "an account is 32 digits and letters in five groups", "Type it as on the sheet."
        ) from None


def _code() -> str:
    """The code, asked for again after a slip."""
    for _ in range(_ASK_AT_MOST - 1):
        try:
            return _asked()
        except RecoveryCodeError as error:
            note(f"{error.message}. {error.hint}")
    return _asked()


def _asked() -> str:
    return read_code(Prompt.ask("Recovery code", password=True))


def _others(client: Client) -> list[UUID]:
    """The account's other devices in force."""
    return [
        device.id
        for device in client.colleagues.entry(client.practitioner).devices
        if device.id != client.settings.device
    ]


def _told(me: Practitioner, device: UUID, others: list[UUID]) -> list[str]:
    lines = [f"{me.name} ({me.role}, {me.status})", f"  device  {device}, new"]
    if not others:
        return [*lines, "No other device is in force."]
    lines.append("These devices are still in force:")
    lines += [f"  {each}" for each in others]
    return [*lines, "Revoke each that is lost, which changes your encryption key as well: concord device revoke ID"]


__all__ = ["register"]
