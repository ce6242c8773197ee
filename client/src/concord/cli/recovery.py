"""`concord recovery code`, `kit`, `backup`, `status`: the code on paper, and the backup that it opens.

Owns these commands. Refuses to show a code twice: a sheet is printed together with making a new code, as the old one is
kept nowhere.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from concord_formats.recovery_codes import grouped

from ..api.recovery import StoredBackup
from ..client import Client
from ..recovery import Kit, render_kit
from .output import Json, note, show
from .session import Home, PassphraseFile, unlock
from .sheets import check_place, write_sheet

app = typer.Typer(
    help="For the day when every device is lost: a code on paper, and a sealed backup.", no_args_is_help=True
)

KitFile = Annotated[Path | None, typer.Option(help="Also write a sheet to print: FILE.pdf, or FILE.txt.")]
_PRINTED = "Print the sheet, keep it apart from this device, and delete the file: the code is on it."
_NOT_IN_FORCE = (
    "No backup could be stored under this code: until one is, it opens nothing, and a sheet that you had before still "
    "does. Try again: concord recovery backup"
)


@app.command()
def code(kit: KitFile = None, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Make a new recovery code, and show it once. The one before opens nothing any more."""
    if kit is not None:
        check_place(kit)
    with unlock(home, passphrase_file) as client:

        def shown(made: str) -> None:
            if not json:
                show({}, told(made), as_json=False)
            _print_sheet(client, made, kit)

        made = client.renew_recovery_code(shown)
        if json:
            show({"recovery_code": grouped(made), "in_force": not client.backup.behind}, "", as_json=True)
        _tell_whether_in_force(client)


@app.command("kit")
def kit_(
    output: Annotated[Path, typer.Option("--output", "-o", help="The sheet: FILE.pdf or FILE.txt; - prints the text.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Print a kit with a new recovery code. The sheet before opens nothing any more."""
    check_place(output)
    with unlock(home, passphrase_file) as client:
        client.renew_recovery_code(lambda made: _print_sheet(client, made, output))
        _tell_whether_in_force(client)


@app.command()
def backup(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Store a backup now."""
    with unlock(home, passphrase_file) as client:
        generation = client.backup.store()
    show({"generation": generation}, f"Backup {generation} is stored.", as_json=json)


@app.command()
def status(
    acknowledge: Annotated[bool, typer.Option("--acknowledge", help="You have read of the wrong tries.")] = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """When the last backup was stored, and who tried to fetch it."""
    with unlock(home, passphrase_file) as client:
        stored, behind = client.watch.stored(), client.backup.behind
        own = client.keyring.recovery_verifier
        by_this_device = stored is not None and stored.generation == client.backup.known().get("generation")
        if acknowledge and stored is not None and stored.failed:
            client.watch.acknowledge()
    value = {"code": own is not None, "stored": stored and stored.model_dump(mode="json", exclude={"verifier"})}
    value |= {"behind": behind, "in_force": bool(stored and own and stored.verifier == own)}
    value |= {"by_this_device": by_this_device}
    show(value, "\n".join(_lines(stored, own, behind=behind, by_this_device=by_this_device)), as_json=json)


def told(made: str) -> str:
    """A new code, as a person is shown it."""
    return f"  recovery code {grouped(made)}\nThis once: it is kept nowhere. Keep it apart from this device."


def after_new_code(client: Client, made: str, kit: Path | None) -> None:
    """Print what was asked for, and say when the code is not in force yet."""
    _print_sheet(client, made, kit)
    _tell_whether_in_force(client)


def _print_sheet(client: Client, made: str, kit: Path | None) -> None:
    if kit is not None:
        sheet = render_kit(Kit(client.settings.base_url, client.practitioner, made), date.today())  # noqa: DTZ011
        write_sheet(sheet, kit, _PRINTED)


def _tell_whether_in_force(client: Client) -> None:
    if client.backup.behind:
        note(_NOT_IN_FORCE)


def _lines(stored: StoredBackup | None, own: str | None, *, behind: bool, by_this_device: bool) -> list[str]:
    if own is None:
        return ["There is no recovery code yet. Make one, and print it: concord recovery code --kit FILE.pdf"]
    if stored is None:
        return ["No backup is stored yet. Store one: concord recovery backup"]
    lines = [
        f"backup       {stored.generation}, stored {stored.stored_at:%Y-%m-%d %H:%M %Z}",
        f"as it is now {'no: concord recovery backup' if behind else 'yes'}",
        f"wrong tries  {stored.failed}"
        + (f", last {stored.last_failed_at:%Y-%m-%d %H:%M %Z}" if stored.failed else ""),
        f"last used    {f'{stored.used_at:%Y-%m-%d %H:%M %Z}' if stored.used_at else 'never'}",
    ]
    if stored.verifier != own:
        lines.append("Another device of yours made a new code, or yours is not in force yet: concord recovery backup")
    elif not by_this_device:
        lines.append(
            "Another device of yours stored it: what you entered on this one is in it as far as that device had taken "
            "it over. To store what this one knows, after a look at what that one left for it: concord recovery backup"
        )
    return lines


__all__ = ["app"]
