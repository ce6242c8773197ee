"""An account as CSV (RFC 4180), for a privacy officer's spreadsheet.

Owns the columns and that no cell is ever a formula. Refuses to leave out the lines that the reader may not see: each
has a row that says so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from .entries import Entry
from .sheet import AccountSheet
from .wording import Wording, wording

COLUMNS = (
    "n",
    "date",
    "event",
    "sender",
    "sender_organization",
    "on_behalf_of",
    "recipient",
    "recipient_organization",
    "recipient_address",
    "team",
    "description",
    "purpose",
    "remarks",
    "information",
    "sensitivity",
    "consent",
    "consent_version",
    "basis",
    "notice",
    "reason",
    "label_reason",
    "letter",
    "patient",
    "patient_token",
)
# What a spreadsheet takes for the beginning of a formula, in full width as well (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def as_csv(sheet: AccountSheet) -> bytes:
    """The account, by date, UTF-8 with a byte order mark: without one a spreadsheet guesses at the encoding."""
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(sheet):
        writer.writerow({column: _cell(value) for column, value in row.items()})
    return target.getvalue().encode("utf-8-sig")


def _rows(sheet: AccountSheet) -> Iterator[dict[str, str]]:
    words = wording(sheet.language)
    whose = {"patient": sheet.patient_name or "", "patient_token": sheet.account.patient}
    for entry in sheet.entries:
        yield _row(entry, words) | whose
    for n in sheet.blinded:
        yield {"n": str(n), "event": words.say("event", "blinded")} | whose


def _row(entry: Entry, words: Wording) -> dict[str, str]:
    event = entry.event
    return {
        "n": str(event.n),
        "date": event.at.isoformat().replace("+00:00", "Z"),
        "event": words.say("event", event.kind),
        "sender": entry.sender.name,
        "sender_organization": entry.sender.organization or "",
        "on_behalf_of": entry.on_behalf_of.name if entry.on_behalf_of else "",
        "recipient": entry.recipient.name,
        "recipient_organization": entry.recipient.organization or "",
        "recipient_address": words.say("address", "unknown"),
        "team": entry.team or "",
        "description": words.what(event),
        "purpose": words.why(event),
        "remarks": "; ".join(words.remarks(entry)),
        "information": " ".join(event.information),
        "sensitivity": " ".join(event.sensitivity),
        "consent": str(event.consent),
        "consent_version": str(event.consent_version),
        "basis": event.basis,
        "notice": "yes" if event.notice else "no",
        "reason": event.reason or "",
        "label_reason": event.label_reason or "",
        "letter": str(event.letter),
    }


def _cell(text: str) -> str:
    """One line of printable text that no spreadsheet computes: an apostrophe before what would be a formula."""
    line = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return "'" + line if line.lstrip().startswith(_FORMULA) else line


__all__ = ["COLUMNS", "as_csv"]
