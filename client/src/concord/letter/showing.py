"""What a reader is shown before the document: notice, scope in plain words, labels left out, doubts.

Owns the wording and the order. Refuses to show any of it after the document, or to leave the notice out where it is
due: 42 CFR 2.32 lets no record go without it. Words are the vocabulary's plain phrases; names are the caller's to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from concord_formats.plain_words import plain, plain_opening
from concord_formats.vocabulary import ExpiryEvent, Information, Sensitivity

from .open import OpenedLetter
from .scope import ConsentScope

# From `practitioner:<id>`, `organization:<id>` or `team:<id>` to a name; it answers its argument when it knows none.
Naming = Callable[[str], str]
Row = tuple[str, str]
_WIDTH = 13
_ENGLISH = "en"


def before_the_document(opened: OpenedLetter, name: Naming) -> list[Row]:
    """What to show, as rows of a heading (empty: it goes on) and a text of one line."""
    rows: list[Row] = []
    if opened.notice:
        rows.append(("Notice", opened.notice))
    rows.extend(_in_whose_name(opened, name))
    if opened.scope:
        rows.extend(_scope(opened.scope, name))
    rows.extend(_left_out(opened))
    rows.extend(("Doubt", doubt) for doubt in opened.doubts)
    return rows


def as_text(rows: list[Row]) -> str:
    """Rows as lines of text, the headings in a column."""
    return "\n".join(f"{_clean(heading):<{_WIDTH}}{_clean(text)}" for heading, text in rows)


def notice_file(opened: OpenedLetter, name: Naming) -> bytes:
    """What is written beside an exported document, in UTF-8: notice, scope and where the document came from."""
    statement = opened.statement
    about: list[Row] = [
        ("Document", f"of letter {statement.letter}, SHA-256 {statement.body.sha256}"),
        ("From", name(f"practitioner:{statement.sender}")),
        ("Consent", f"{statement.consent}, version {statement.consent_version}"),
        ("Contains", ", ".join(sorted((*statement.information, *statement.sensitivity)))),
    ]
    return (as_text([*before_the_document(opened, name), *about]) + "\n").encode()


def _in_whose_name(opened: OpenedLetter, name: Naming) -> Iterator[Row]:
    statement = opened.statement
    if statement.on_behalf_of:
        sender, delegator = (name(f"practitioner:{who}") for who in (statement.sender, statement.on_behalf_of))
        yield "Sender", f"Sent by {sender} on behalf of {delegator}"
    if statement.team:
        yield "Recipient", f"To the team {name(f'team:{statement.team}')}"


def _scope(scope: ConsentScope, name: Naming) -> Iterator[Row]:
    yield "Scope", plain_opening(scope.type, _ENGLISH)
    yield "", f"{name(scope.discloser)} may disclose to {name(scope.recipient)}"
    yield "", f"Why: {_list(plain(purpose, _ENGLISH) for purpose in sorted(scope.purposes))}"
    yield "", f"What: {_list(plain(word, _ENGLISH) for word in sorted(scope.information))}"
    yield "", f"As sensitive as: {_list(plain(word, _ENGLISH) for word in sorted(scope.sensitivity))}"
    yield "", f"From {_day(scope.valid_from)} until {_day(scope.valid_until)}{_event(scope.expires_on)}"


def _left_out(opened: OpenedLetter) -> Iterator[Row]:
    labels, reason = opened.statement.labels_left_out, opened.statement.label_reason
    if labels and reason:
        yield "Left out", f"{_list(_phrase(label) for label in sorted(labels))}: found in the document's codes"
        yield "", f"The sender's reason for not declaring it: {plain(reason, _ENGLISH)} ({reason})"


def _phrase(label: Information | Sensitivity) -> str:
    return plain(label, _ENGLISH)


def _list(phrases: Iterator[str]) -> str:
    return "; ".join(phrases)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}".strip()


def _event(event: ExpiryEvent | None) -> str:
    return "" if event in (None, ExpiryEvent.NONE) else f", or sooner: {plain(event, _ENGLISH)}"


def _clean(text: str) -> str:
    """A name that somebody typed must not break a line, nor move a terminal's cursor."""
    return "".join(character if character.isprintable() else "�" for character in text)


__all__ = ["Naming", "Row", "as_text", "before_the_document", "notice_file"]
