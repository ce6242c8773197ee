"""`concord enroll`, `whoami`, `doctor`.

Owns the commands about oneself and one's device. Refuses to read an invitation from the argument list: its secret
would stand there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from concord_formats.recovery_codes import grouped
from rich.prompt import Prompt

from ..client import Client
from ..doctor import examine
from .output import Json, show, show_rows
from .recovery import KitFile, after_new_code, told
from .session import Home, PassphraseFile, passphrase, profile, unlock
from .sheets import check_place
from .sign_on import NoBrowser, browsing


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(enroll)
    app.command()(whoami)
    app.command()(doctor)


def enroll(
    invitation: Annotated[Path | None, typer.Option(help="File with the invitation; - for standard input.")] = None,
    kit: KitFile = None,
    no_browser: NoBrowser = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Use an invitation: make your keys on this device and publish the public ones."""
    if kit is not None:
        check_place(kit)
    text = _read(invitation)
    chosen = passphrase(passphrase_file, new=True)
    with browsing(no_browser), Client.enrol(profile(home), text, chosen) as client:
        made = client.recovery_code or ""
        _show_me(client, json, told(made), recovery_code=grouped(made))
        after_new_code(client, made, kit)


def whoami(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Who you are here, and the fingerprint that a colleague compares."""
    with unlock(home, passphrase_file) as client:
        _show_me(client, json)


def doctor(home: Home = None, json: Json = False) -> None:
    """Check this installation: cryptography, home folder, services."""
    findings = examine(profile(home))
    rows = [{"check": f.check, "result": "ok" if f.ok else "FAILED", "detail": f.detail} for f in findings]
    show_rows(rows, empty="", as_json=json)
    if not all(f.ok for f in findings):
        raise typer.Exit(1)


def _show_me(client: Client, as_json: bool, further: str = "", **members: str) -> None:
    me = client.whoami()
    fingerprint = client.colleagues.fingerprint(client.practitioner)
    value = me.model_dump(mode="json") | {"device": client.settings.device, "fingerprint": fingerprint} | members
    text = (
        f"{me.name} ({me.role}, {me.status})\n"
        f"  organization  {me.organization.name}\n"
        f"  NPI           {me.npi or 'none'}\n"
        f"  id            {me.id}\n"
        f"  device        {client.settings.device}\n"
        f"  fingerprint   {fingerprint}"
    )
    show(value, f"{text}\n{further}".rstrip("\n"), as_json=as_json)


def _read(path: Path | None) -> str:
    if path is None:
        return Prompt.ask("Invitation", password=True)
    if str(path) == "-":
        return sys.stdin.read()
    return path.read_text(encoding="utf-8")
