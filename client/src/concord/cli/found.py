"""What a search of the directory found, as a table, as JSON, and in remarks beside both.

Owns how an entry is told to a person. Refuses to show anybody as reachable who is not enrolled, and more of a text than
leaves room for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from concord_formats import languages

from ..api.listings import Listing, Understood
from ..finding import MAX_CHARACTERS, Found
from ..listed import Doubt
from .output import note, show, show_rows

KM_PER_MILE = 1.609344
_NOT_ENROLLED = "not on Concord"


def show_found(found: Found, *, as_json: bool) -> None:
    """Print who was found; on standard error how the question was read, and whom the directory lied about."""
    _note_doubts(found.doubts)
    if as_json:
        show([_as_json(each) for each in found.listings], "", as_json=True)
        return
    _note_understood(found.understood)
    rows = _filled([_row(each) for each in found.listings])
    show_rows(rows, empty="Nobody like that. Fewer words, or a wider --within, may find more.", as_json=False)
    if found.more:
        note("There are more: name what you look for more closely, or see them with --all.")


def _row(listing: Listing) -> dict[str, Any]:
    """One line of the table; None for what nobody said."""
    return {
        "id": listing.practitioner or _NOT_ENROLLED,
        "name": _short(listing.name),
        "specialty": _several(each.name for each in listing.specialties),
        "organization": _short(listing.organization.name) if listing.organization else None,
        "town": _short(", ".join(filter(None, (listing.city, listing.state)))),
        "distance": _distance(listing.distance_km),
        "languages": _several(map(languages.name, listing.languages)),
        "telehealth": _said(listing.telehealth),
        "new patients": _said(listing.accepting),
        "phone": _short(listing.phone),
        "as of": _as_of(listing),
        "status": None if listing.status == "active" else _short(listing.status),
        "away": _away(listing),
    }


def _filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table without the columns in which nobody has anything."""
    used = {name for row in rows for name, value in row.items() if value is not None}
    return [{name: value for name, value in row.items() if name in used} for row in rows]


def _short(text: str | None) -> str | None:
    """A text that leaves room for the others, None for an empty one."""
    if not text:
        return None
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def _several(texts: Iterable[str]) -> str | None:
    """The first of some texts, and how many more there are."""
    every = list(texts)
    rest = f" and {len(every) - _MOST_TOLD} more" if len(every) > _MOST_TOLD else ""
    told = _short(", ".join(every[:_MOST_TOLD]))
    return told and told + rest


def _distance(kilometres: float | None) -> str | None:
    if kilometres is None:
        return None
    miles = kilometres / KM_PER_MILE
    return "< 1 mi" if miles < 1 else f"{miles:.0f} mi"


def _said(value: bool | None) -> str | None:
    return None if value is None else ("no", "yes")[value]


def _as_of(listing: Listing) -> str | None:
    """How old the entry is, and whether anybody stands behind it."""
    if listing.id is None:
        return None
    day = f"{listing.confirmed_at:%Y-%m-%d}" if listing.confirmed_at else "never confirmed"
    if not listing.enrolled:
        return f"{day} (public record)"
    return f"{day} (call to check)" if listing.stale else day


def _away(listing: Listing) -> str | None:
    """Until when somebody is away, and who covers."""
    if listing.coverage is None:
        return None
    who = listing.coverage.covering
    times = f"{listing.coverage.starts_at:%Y-%m-%d} to {listing.coverage.ends_at:%Y-%m-%d}"
    return f"{times}, covered by {_short(who.name)} ({who.id})"


def _as_json(listing: Listing) -> dict[str, Any]:
    """All of an entry. `id` is who is written to, `listing` the entry itself; distances are in kilometres."""
    members = listing.model_dump(mode="json")
    work = listing.organization
    return members | {
        "id": _text(listing.practitioner),
        "listing": _text(listing.id),
        "taxonomy": listing.specialties[0].code if listing.specialties else None,
        "organization": work.name if work else None,
        "organization_id": _text(work.id) if work else None,
    }


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _note_understood(read: Understood) -> None:
    """Say how the question was read: a word that was taken for a specialty was perhaps a name."""
    parts = [
        f"NPI {_short(read.npi)}" if read.npi else "",
        f"name {_short(read.name)}" if read.name else "",
        _read_specialties(read),
        f"near {_short(read.near.place)}" if read.near else "",
    ]
    if any(parts):
        note(f"Understood as: {'; '.join(filter(None, parts))}.")


def _read_specialties(read: Understood) -> str:
    """One with its code; of several the plainest, and how many more."""
    if len(read.specialties) == 1:
        return f"{_short(read.specialties[0].name)} ({_short(read.specialties[0].code)})"
    plain = sorted((_short(each.name) or "" for each in read.specialties), key=len)
    more = [f"{len(plain) - _PLAINEST} more specialties"] if len(plain) > _PLAINEST else []
    return " or ".join(plain[:_PLAINEST] + more)


def _note_doubts(doubts: Sequence[Doubt]) -> None:
    """Say whom the directory showed as not enrolled against the key log, also beside what a program reads."""
    for each in doubts[:_MOST_TOLD]:
        who = f"{_short(each.listing.name)} (NPI {each.listing.npi})"
        if each.in_force:
            note(
                f"Left out: {who}, whom the directory shows as {_NOT_ENROLLED}. The key log has that number in the "
                f"account {each.account}: write to them there, and tell the directory's operator."
            )
        else:
            note(
                f"{who} has the account {each.account}, which is suspended as the directory says. Take the telephone "
                "number from elsewhere."
            )
    if len(doubts) > _MOST_TOLD:
        note(f"So it is with {len(doubts) - _MOST_TOLD} more.")


# Of what a directory could make long, this many are told.
_MOST_TOLD = 5
# "Psychologist" stands for twelve codes: two say how a word was read.
_PLAINEST = 2

__all__ = ["KM_PER_MILE", "show_found"]
