"""`concord device list`, `add`, `join`, `revoke`, `rotate-key`, `sync`.

Owns the commands about one's own devices. Refuses a pairing code as an argument, which everyone on a machine can read,
and to add a device unseen: its id is shown, and agreed to.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.prompt import Prompt

from ..client import Client
from ..devices.adding import Opened
from ..devices.own_devices import Revoked, Rotated
from ..errors import TransferMissingError
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, passphrase, profile, unlock
from .sign_on import NoBrowser, browsing

app = typer.Typer(help="Your devices: add one, stop a lost one, change the key.", no_args_is_help=True)
_UNKNOWN = (
    "The directory lists a device that your keys do not know. Tell its operator, and compare with your other devices."
)
_MISSED = "Some of your devices could not be given the keys. When they are on, here: concord device sync"


@app.command("list")
def list_devices(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Your devices, by your own key history: which is this one, when each was added and last signed in."""
    with unlock(home, passphrase_file) as client:
        found = client.devices.list()
    rows = [
        {
            "id": str(device.id),
            "this": device.this if json else ("this device" if device.this else ""),
            "added": _moment(device.added_at, json),
            "last_sign_in": _moment(device.last_signed_in_at, json),
            "status": device.status,
        }
        for device in found
    ]
    show_rows(rows, empty="No devices.", as_json=json)
    if any(device.status == "unknown" for device in found):
        note(_UNKNOWN)


@app.command()
def add(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the code to a file.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is the right device.")] = False,
    no_browser: NoBrowser = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Add a device: shows a code for it, waits until it asks, then hands your account to it."""
    with unlock(home, passphrase_file) as client:
        opened = client.adding.open()
        _show_code(opened, output, json)
        request = client.adding.wait_for(opened.code)
        note(f"Device {request.device.id} asks to be yours. Compare the id with the one on its screen.")
        if not yes and not typer.confirm("Is that your device?", err=True):
            client.adding.decline(opened.code)
            show({"added": False}, "Not added. Nothing was signed.", as_json=json)
            raise typer.Exit(1)
        with browsing(no_browser):
            missed = client.adding.answer(opened.code, request)
    show({"added": True, "device": str(request.device.id)}, f"Device {request.device.id} is added.", as_json=json)
    if missed:
        note(_MISSED)


@app.command()
def join(
    code: Annotated[Path | None, typer.Option(help="File with the code; - for standard input.")] = None,
    new_keys: Annotated[
        bool, typer.Option("--new-keys", help="Begin as another device, when the one begun before was revoked.")
    ] = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make this a device of your account, by the code that `concord device add` shows on another one."""
    text = _read(code)

    def announce(device: UUID) -> None:
        note(f"This is device {device}. Say yes on your other device if it shows the same id. Waiting…")

    chosen = passphrase(passphrase_file, new=True)
    with Client.join(profile(home), text, chosen, announce=announce, new_keys=new_keys) as client:
        value = {"practitioner": str(client.practitioner), "device": str(client.settings.device)}
    show(value, f"This device is yours now: {value['device']}", as_json=json)


@app.command()
def revoke(
    device: Annotated[UUID, typer.Argument(help="The device's id.")],
    rotate: Annotated[bool, typer.Option(help="Change your encryption key, which the device has.")] = True,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Stop a device that was lost or is no longer used, and change the key that it has."""
    with unlock(home, passphrase_file) as client:
        revoked = client.devices.revoke(device)
        note(_stopped(revoked))
        # Letters are sealed to the old key until then: a key that a thief has published must not stand in the way.
        rotated = client.devices.rotate(without_missing=True) if rotate else None
    value: dict[str, Any] = {"device": str(device), "effective_at": revoked.effective_at}
    show(value | (_rotation(rotated) if rotated else {}), _told(rotated), as_json=json)
    _tell_missed(rotated)


@app.command("rotate-key")
def rotate_key(
    without_missing: Annotated[
        bool,
        typer.Option(
            "--without-missing", help="Also if a former key is not on this device; what only it opens stays closed."
        ),
    ] = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Take a new encryption key; letters sealed to the old one stay readable on your devices."""
    with unlock(home, passphrase_file) as client:
        rotated = client.devices.rotate(without_missing=without_missing)
    show(_rotation(rotated), _told(rotated), as_json=json)
    _tell_missed(rotated)


@app.command()
def sync(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Take what your other devices handed to this one, and hand them what this one knows: keys and address book."""
    missing: TransferMissingError | None = None
    with unlock(home, passphrase_file) as client:
        try:
            client.devices.catch_up(look=True)
        except TransferMissingError as error:  # the others may need this device's recipient to mend that
            missing = error
        missed = client.devices.hand_over()
    if missing:
        raise missing
    show({"missed": [str(each) for each in missed]}, "Your devices know what this one knows.", as_json=json)
    if missed:
        note(_MISSED)


def _show_code(opened: Opened, output: Path | None, as_json: bool) -> None:
    until = f"{opened.expires_at.astimezone():%H:%M}"
    code = opened.code.encode()
    if output is None:
        show({"code": code, "expires_at": opened.expires_at}, code, as_json=as_json)
        note(f"For your new device's eyes only, until {until}. There: concord device join")
    else:
        output.touch(mode=0o600)
        output.write_text(code + "\n", encoding="utf-8")
        note(f"The code is in {output}, good until {until}. On the new device: concord device join --code FILE")
    sys.stdout.flush()  # whoever reads it through a pipe waits for it


def _stopped(revoked: Revoked) -> str:
    if revoked.effective_at is None:
        return "Revoked: it cannot sign in. Not confirmed everywhere yet: repeat this command in a minute."
    return "Revoked: it cannot sign in, and nothing is handed out to it any more."


def _rotation(rotated: Rotated) -> dict[str, Any]:
    missed = [str(each) for each in rotated.missed]
    return {"encryption_version": rotated.version, "by_this_device": rotated.by_this_device, "missed": missed}


def _told(rotated: Rotated | None) -> str:
    if rotated is None:
        return "The key was not changed, and that device has it. Unless you wiped it: concord device rotate-key"
    if not rotated.by_this_device:
        return f"Another device of yours changed the key at the same moment: version {rotated.version} is in force."
    return f"Your encryption key is changed: version {rotated.version}."


def _tell_missed(rotated: Rotated | None) -> None:
    if rotated and rotated.missed:
        note(_MISSED)


def _moment(at: datetime | None, as_json: bool) -> str | None:
    if at is None:
        return None
    return at.isoformat() if as_json else f"{at.astimezone():%Y-%m-%d %H:%M}"


def _read(path: Path | None) -> str:
    if path is None:
        return Prompt.ask("Pairing code", password=True)
    if str(path) == "-":
        return sys.stdin.read()
    return path.read_text(encoding="utf-8")
