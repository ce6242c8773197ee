"""`concord account show`, `export`, `verify`, `key`: who received what of a patient, and when.

Owns the commands and what they print. Refuses to print or write an account that does not verify; a patient's name
comes from one's own sealed address book, and goes nowhere but into the file that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ..account import MAX_BUNDLE_BYTES, Entry, Fetched, VerifiedAccount, entries
from ..account import verify as verify_account
from ..account.event import AccountEvent
from ..account.files import Format, write, written_as
from ..account.sheet import AccountSheet
from ..client import Client
from ..errors import MalformedAccountError
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="The account of disclosures: who received what of a patient.", no_args_is_help=True)
PatientOption = Annotated[str, typer.Option("--patient", help="Alias or token of the patient.")]


@app.command("show")
def show_account(
    patient: PatientOption,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only from this day (UTC).")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Show the account of a patient, by date; every line was verified."""
    with unlock(home, passphrase_file) as client:
        fetched = client.accounts.fetch(patient)
        start = since.replace(tzinfo=UTC) if since else None
        events = [event for event in fetched.account.events if start is None or event.at >= start]
        rows = [_row(entry) for entry in _named(client, events)]
    if json:
        show(_summary(fetched.account) | {"first_use": fetched.first_use, "lines": rows}, "", as_json=True)
        return
    show_rows(rows, empty="Nothing was disclosed.", as_json=False)
    _remark(fetched)


@app.command()
def export(
    patient: PatientOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; only you may read it.")],
    format_: Annotated[Format, typer.Option("--format", help="Only json can be verified again.")] = Format.JSON,
    language: Annotated[str, typer.Option(help="en or es, for csv, pdf and fhir.")] = "en",
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Write the account of a patient to a file, after it was verified (45 CFR 164.528)."""
    if language not in ("en", "es"):
        raise typer.BadParameter("en or es", param_hint="--language")
    with unlock(home, passphrase_file) as client:
        fetched = client.accounts.fetch(patient)
        content = written_as(format_, fetched, _sheet(client, fetched.account, language))
    write(output, content)
    value = _summary(fetched.account) | {"first_use": fetched.first_use, "file": str(output), "format": format_.value}
    show(value, f"Written to {output}: {_counted(fetched.account)}.", as_json=json)
    _remark(fetched)


@app.command("verify")
def verify_file(
    file: Annotated[Path, typer.Argument(help="An account exported as JSON.")],
    checkpoint: Annotated[Path | None, typer.Option(help="An earlier export of it, or an earlier checkpoint.")] = None,
    key: Annotated[str | None, typer.Option(help="The log's key, from a place you trust: concord account key.")] = None,
    json: Json = False,
) -> None:
    """Verify an exported account, offline: no line missing, none changed, all in the signed log."""
    earlier = _read(checkpoint) if checkpoint else None
    account = verify_account(_read(file), key=key, earlier=earlier)
    text = f"Verified: {_counted(account)}.\n  log     {account.checkpoint.size} lines\n  key     {account.key}"
    if account.goes_on:
        text += f"\n  before  all of {checkpoint} stands there unchanged"
    show(_summary(account) | {"verified": True, "goes_on": account.goes_on}, text, as_json=json)
    if account.goes_on is False:
        note(f"No file shows that the log went on from {checkpoint}; an earlier export of this account would.")
    if key is None:
        note("The key is the file's own. Compare it with the service's, or give --key.")


@app.command()
def key(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Print the key of the account's log that this device has pinned."""
    with unlock(home, passphrase_file) as client:
        pinned = client.accounts.log.key
    show({"key": pinned}, pinned or "No account was seen on this device yet: concord account show", as_json=json)


def _named(client: Client, events: Iterable[AccountEvent]) -> list[Entry]:
    return entries(events, partial(client.colleagues.person, fresh=False), client.teams.show)


def _row(entry: Entry) -> dict[str, Any]:
    event = entry.event
    return {
        "date": f"{event.at:%Y-%m-%d %H:%M}",
        "event": event.kind,
        "who": _sender(entry),
        "to_whom": entry.recipient.whole + (f" (team {entry.team})" if entry.team else ""),
        "purpose": event.purpose,
        "labels": ", ".join((*event.information, *event.sensitivity)),
        "consent": f"{event.consent} v{event.consent_version}",
        "basis": "EMERGENCY" if event.emergency else event.basis,
        "notice": "yes" if event.notice else "no",
        "reason": event.reason or event.label_reason,
    }


def _sender(entry: Entry) -> str:
    delegator = entry.on_behalf_of
    return f"{entry.sender.whole} on behalf of {delegator.name}" if delegator else entry.sender.whole


def _sheet(client: Client, account: VerifiedAccount, language: str) -> AccountSheet:
    known = client.address_book.find(account.patient)
    return AccountSheet(
        account, _named(client, account.events), datetime.now(UTC), known.name if known else None, language
    )


def _summary(account: VerifiedAccount) -> dict[str, Any]:
    return {
        "patient": account.patient,
        "last": len(account.lines),
        "blinded": account.blinded,
        "log_size": account.checkpoint.size,
        "log_root": account.checkpoint.root.hex(),
        "log_key": account.key,
    }


def _counted(account: VerifiedAccount) -> str:
    blinded = f", {account.blinded} of them not for this reader" if account.blinded else ""
    return f"{len(account.lines)} lines of {account.patient}{blinded}"


def _remark(fetched: Fetched) -> None:
    if fetched.account.blinded:
        note(f"{fetched.account.blinded} lines are not yours to read: others' consents, and others' refused letters.")
    if fetched.first_use:
        note(f"The log's key was seen for the first time; compare it with a colleague's: {fetched.account.key}")


def _read(path: Path) -> bytes:
    with path.open("rb") as source:
        raw = source.read(MAX_BUNDLE_BYTES + 1)
    if len(raw) > MAX_BUNDLE_BYTES:
        raise MalformedAccountError(f"{path} is longer than {MAX_BUNDLE_BYTES} bytes")
    return raw


__all__ = ["app"]
