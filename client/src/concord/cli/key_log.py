"""`concord log status`, `verify`, `alarms`, `acknowledge`, `trust`, `witness`.

Owns the commands about the key log. Refuses to hide an alarm: it is acknowledged, one by one, by a person who has read
it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from concord_formats.cosignatures import WitnessKey, cosigned_at, own_clock
from concord_formats.notes import NoteError

from ..client import Client
from ..errors import KeyLogError
from ..key_log import Alarm
from ..key_log.checkpoints import check_name, read_key, read_witness
from ..key_log.pinned import Pinned
from .output import Json, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="The key log: everybody's keys, in one order for all.", no_args_is_help=True)
witness = typer.Typer(help="Witnesses whose cosignatures you ask for.", no_args_is_help=True)
app.add_typer(witness, name="witness")

Change = Callable[[tuple[WitnessKey, ...]], tuple[WitnessKey, ...]]
VerifierText = Annotated[str, typer.Argument(help="The key, as name+id+key.")]


@app.command()
def status(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Bring your copy of the key log to its newest checkpoint, and show both."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.key_log.refresh(within=0), as_json=json)


@app.command()
def verify(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Read the whole key log anew, and compare it with what is pinned on this device."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.key_log.verify(), as_json=json)


@app.command()
def alarms(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """What was seen in the key log that somebody has to look at; with --json, and what proves it."""
    with unlock(home, passphrase_file) as client:
        found = client.key_log.alarms()
    rows = [_as_value(alarm) if json else _as_row(alarm) for alarm in found]
    show_rows(rows, empty="Nothing was seen that anybody would have to look at.", as_json=json)


@app.command()
def acknowledge(
    alarm: Annotated[str, typer.Argument(help="The alarm's id.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Say that you have looked at an alarm; it stays in the list, and stops nothing any more."""
    with unlock(home, passphrase_file) as client:
        try:
            seen = client.key_log.acknowledge(alarm)
        except KeyError:
            raise KeyLogError(f"there is no alarm {alarm}", "See: concord log alarms") from None
    show(_as_value(seen), f"Acknowledged: {seen.message}.", as_json=json)


@app.command()
def trust(key: VerifierText, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Pin another key of the log, which its operator read to you, and begin with its log anew."""
    with unlock(home, passphrase_file) as client:
        chosen = read_key(key)
        check_name(client.settings.base_url, chosen)
        client.key_log.trust(chosen)
        _show(client, client.key_log.refresh(within=0), as_json=json)


@witness.command("list")
def list_witnesses(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """The witnesses that you ask for, and those that the directory names."""
    with unlock(home, passphrase_file) as client:
        pinned = client.key_log.pinned
        named = client.key_log.api.key().witnesses
    asked = [key.encode() for key in pinned.witnesses]
    rows = [
        {"witness": key, "asked for": key in asked, "named by the directory": key in named}
        for key in dict.fromkeys([*asked, *named])
    ]
    show_rows(rows, empty="No witness is asked for, and the directory names none.", as_json=json)


@witness.command("add")
def add_witness(
    key: VerifierText,
    threshold: Annotated[
        int | None, typer.Option(min=1, help="How many of them have to have cosigned [default: all].")
    ] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Ask for the cosignature of a witness: from now on nothing is sealed without."""
    chosen = read_witness(key)
    with unlock(home, passphrase_file) as client:
        _change(client, lambda before: (*(each for each in before if each != chosen), chosen), threshold, json)


@witness.command("remove")
def remove_witness(
    key: VerifierText, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """Ask for a witness's cosignature no more."""
    chosen = read_witness(key)
    with unlock(home, passphrase_file) as client:
        _change(client, lambda before: tuple(each for each in before if each != chosen), None, json)


def _change(client: Client, change: Change, threshold: int | None, as_json: bool) -> None:
    pinned = client.key_log.ask(change(client.key_log.pinned.witnesses), threshold)
    value = {"witnesses": [key.encode() for key in pinned.witnesses], "required": pinned.required}
    show(value, f"{pinned.required} of {len(pinned.witnesses)} witnesses have to have cosigned.", as_json=as_json)


def _show(client: Client, pinned: Pinned, *, as_json: bool) -> None:
    checkpoint, key = pinned.checkpoint, pinned.keys[-1]
    signed_at = None
    with suppress(NoteError):
        signed_at = datetime.fromtimestamp(cosigned_at(pinned.note or "", own_clock(key)), UTC)
    open_ = sum(alarm.open for alarm in client.key_log.alarms())
    value = {
        "origin": checkpoint.origin,
        "key": key.encode(),
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "signed_at": signed_at,
        "witnesses_required": pinned.required,
        "alarms_open": open_,
        "checkpoint": pinned.note,
    }
    text = (
        f"{checkpoint.origin}: {checkpoint.size} bindings, all of them read and in order\n"
        f"  root       {checkpoint.root.hex()}\n"
        f"  signed     {signed_at:%Y-%m-%d %H:%M:%S %Z}\n"
        f"  key        {key.encode()}\n"
        f"  witnesses  {pinned.required} of {len(pinned.witnesses)} asked for\n"
        f"  alarms     {open_} to look at"
    )
    show(value, text, as_json=as_json)


def _as_row(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.id,
        "seen": f"{alarm.seen_at:%Y-%m-%d %H:%M}",
        "state": ("stops sealing" if alarm.blocks else "open") if alarm.open else "acknowledged",
        "what": f"{alarm.message}. {alarm.hint}",
    }


def _as_value(alarm: Alarm) -> dict[str, Any]:
    return {"id": alarm.id, "open": alarm.open} | alarm.encode()


__all__ = ["app"]
