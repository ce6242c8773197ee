"""Address books: how those of two devices of one owner become one.

Owns the document's form, and the rule of merging: of each patient token the latest change stands, be it an entry or a
removal; two tokens under one alias are both kept, each under another one. Refuses a book of another form, as it may
come from outside, to drop a token that nobody removed, and to let an alias come to mean another patient.
Pure: no clock, no disk. Specified in `spec/keys.md`, "Address book".

A document is an object from alias to `{"name", "token", "at", "alias"}`: `at` is the moment of the last change in POSIX
milliseconds (absent: the beginning), `alias` the one that was asked for, where another patient has it. Under
`.removed`, which no alias can be, it holds the tokens that were removed, each with the moment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .errors import AddressBookError

Document = Mapping[str, Any]
REMOVED = ".removed"
ALIAS = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
TOKEN = re.compile(r"pt_[a-z2-7]{26}")
_MAX_ALIAS = 64
# Of a token's 26 random characters: few to type, and two patients of one alias end alike once in a million times.
_SHORTEST_END = 4
# The largest whole number that every reader of JSON reads alike (RFC 8259, section 6); far beyond any clock.
MAX_AT = 2**53 - 1
# A removal costs 50 bytes for good. Of more than these the oldest go: a device that was away for as long may bring such
# a patient back, which is better than a book that no longer fits.
MAX_REMOVALS = 4096


class Change(NamedTuple):
    """The last that is known of one token. Ordered: the greater one wins, and an entry over a removal at one moment."""

    at: int
    held: bool
    alias: str = ""
    name: str = ""


def merge(one: Document, other: Document) -> dict[str, Any]:
    """What both know: the same whichever comes first, and however often. Raises `AddressBookError`."""
    mine, theirs = read(one), read(other)
    return written({token: max(each[token] for each in (mine, theirs) if token in each) for token in mine | theirs})


def read(book: Document) -> dict[str, Change]:
    """The last change of each token. Raises `AddressBookError` when the document is not of the form."""
    changes: dict[str, Change] = {}
    try:
        for token, change in _each(book):
            changes[token] = max(change, changes.get(token, change))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise AddressBookError("this is no address book") from None
    return changes


def written(changes: Mapping[str, Change]) -> dict[str, Any]:
    """The document of these changes; equal changes make equal documents."""
    held = {token: change for token, change in changes.items() if change.held}
    shown = _aliases(held)
    book: dict[str, Any] = {shown[token]: _entry(token, held[token], shown[token]) for token in sorted(held)}
    gone = sorted(((c.at, token) for token, c in changes.items() if not c.held), reverse=True)[:MAX_REMOVALS]
    return book | ({REMOVED: {token: at for at, token in sorted(gone)}} if gone else {})


def with_patient(book: Document, alias: str, name: str, token: str, now: int) -> dict[str, Any]:
    """The book with one more entry, changed at `now` or right after what is known of the token."""
    changes = read(book)
    return written(changes | {token: Change(_after(changes.get(token), now), True, alias, name)})


def without_patient(book: Document, alias: str, now: int) -> dict[str, Any]:
    """The book without the entry of an alias. Raises KeyError when there is none.

    No other patient moves into the alias that became free: who is shown under another one than they were given stays.
    """
    changes = read(book)
    gone = book[alias]["token"]
    for shown, entry in entries(book).items():
        if "alias" in entry:
            before = changes[entry["token"]]
            changes[entry["token"]] = before._replace(at=_after(before, now), alias=shown)
    return written(changes | {gone: Change(_after(changes[gone], now), False)})


def entries(book: Document) -> dict[str, Any]:
    """The entries alone, by alias."""
    return {alias: entry for alias, entry in book.items() if alias != REMOVED}


def contested(book: Document, alias: str) -> list[str]:
    """Where the patients stand to whom several devices gave this alias; none, if there is one or none."""
    return sorted(shown for shown, entry in entries(book).items() if entry.get("alias") == alias)


def moved(before: Document, after: Document) -> list[tuple[str, str]]:
    """Aliases of which the patient is now under another one: the former and the new, in order."""
    now = {entry["token"]: alias for alias, entry in entries(after).items()}
    was = ((alias, now.get(entry["token"], alias)) for alias, entry in sorted(entries(before).items()))
    return [(old, new) for old, new in was if old != new]


def is_name(name: str) -> bool:
    """Whether it can be a patient's name: one line of text."""
    return bool(name.strip()) and name.isprintable()


def _each(book: Document) -> Iterable[tuple[str, Change]]:
    for shown, entry in entries(book).items():
        if not entry.keys() <= {"name", "token", "at", "alias"}:
            raise ValueError("a member that is not known")
        alias, name = entry.get("alias", shown), entry["name"]
        if not ALIAS.fullmatch(shown) or not ALIAS.fullmatch(alias) or not is_name(name):
            raise ValueError("no alias, or no name")
        yield _token(entry["token"]), Change(_moment(entry.get("at", 0)), True, alias, name)
    for token, at in book.get(REMOVED, {}).items():
        yield _token(token), Change(_moment(at), False)


def _token(token: str) -> str:
    if not TOKEN.fullmatch(token):
        raise ValueError("no token")
    return token


def _moment(at: object) -> int:
    if type(at) is not int or not 0 <= at <= MAX_AT:  # True is no moment
        raise ValueError("no moment")
    return at


def _after(before: Change | None, now: int) -> int:
    """`now`, or later than what is known: a clock that is behind must not make a change that does not count."""
    return min(MAX_AT, max(now, 0, before.at + 1 if before else 0))


def _aliases(held: Mapping[str, Change]) -> dict[str, str]:
    """The alias of each token. One that two want is nobody's: who types it must not get the other patient."""
    wanted = Counter(change.alias for change in held.values())
    taken = set(wanted)
    shown = {token: change.alias for token, change in held.items() if wanted[change.alias] == 1}
    for token in sorted(held.keys() - shown.keys()):
        shown[token] = _own(held[token].alias, token, taken)
        taken.add(shown[token])
    return shown


def _own(alias: str, token: str, taken: set[str]) -> str:
    """An alias made up for this token: it ends like the token, so that it never comes to be made up for another."""
    body = token.removeprefix("pt_")
    for length in range(_SHORTEST_END, len(body) + 1):
        end = f"-{body[:length]}"
        if (found := alias[: _MAX_ALIAS - len(end)] + end) not in taken:
            return found
    raise AddressBookError("this is no address book")  # somebody gave every one of these aliases to others


def _entry(token: str, change: Change, shown: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": change.name, "token": token}
    return entry | ({"at": change.at} if change.at else {}) | ({"alias": change.alias} if change.alias != shown else {})


__all__ = [
    "ALIAS",
    "MAX_AT",
    "MAX_REMOVALS",
    "REMOVED",
    "TOKEN",
    "Change",
    "contested",
    "entries",
    "is_name",
    "merge",
    "moved",
    "read",
    "with_patient",
    "without_patient",
    "written",
]
