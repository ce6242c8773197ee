"""`concord directory mine`, `edit`, `confirm`, `hide`, `unhide`.

Owns the commands about one's own entry in the directory, and the remark that asks whether it still holds. Refuses to
change what was not given.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer
from concord_formats import languages

from ..api.listings import AgeGroup, OwnEntry
from .output import Json, show
from .session import Home, PassphraseFile, unlock

Of = Annotated[
    UUID | None, typer.Option("--of", help="As an administrator: somebody of your organization [default: yourself].")
]


def register(app: typer.Typer) -> None:
    """Add these commands to `concord directory`."""
    for command in (mine, edit, confirm, hide, unhide):
        app.command()(command)


def mine(of: Of = None, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Show your own entry: what colleagues find of you, and how old it is."""
    with unlock(home, passphrase_file) as client:
        entry = client.own_listing.show(of)
    _show(entry, json)


def edit(  # noqa: PLR0913, PLR0917 - what an entry says
    specialty: Annotated[
        list[str] | None, typer.Option(help="NUCC taxonomy code; all of them, again and again.")
    ] = None,
    language: Annotated[list[str] | None, typer.Option(help="A language you speak; all of them.")] = None,
    telehealth: Annotated[
        bool | None, typer.Option("--telehealth/--no-telehealth", help="Whether you see patients by video.")
    ] = None,
    accepting: Annotated[
        bool | None, typer.Option("--accepting/--not-accepting", help="Whether you accept new patients.")
    ] = None,
    age: Annotated[list[str] | None, typer.Option(help=f"Whom you treat; all of: {', '.join(AgeGroup)}.")] = None,
    plan: Annotated[list[str] | None, typer.Option(help="An insurance plan you accept; all of them.")] = None,
    line: Annotated[str | None, typer.Option(help="Street and number.")] = None,
    city: Annotated[str | None, typer.Option(help="The town.")] = None,
    state: Annotated[str | None, typer.Option(help="The state, such as MA.")] = None,
    postal_code: Annotated[str | None, typer.Option(help="The ZIP code: distances are counted from it.")] = None,
    phone: Annotated[str | None, typer.Option(help="The practice's telephone number.")] = None,
    of: Of = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Change your own entry; only what is given changes, and all of it counts as confirmed. An empty text removes."""
    lists = {"specialties": specialty, "languages": language, "ages": _ages(age), "plans": plan}
    texts = {"line": line, "city": city, "state": state, "postal_code": postal_code, "phone": phone}
    changes: dict[str, Any] = {name: _values(values) for name, values in lists.items() if values is not None}
    changes |= {name: text.strip() or None for name, text in texts.items() if text is not None}
    flags = {"telehealth": telehealth, "accepting": accepting}
    changes |= {name: said for name, said in flags.items() if said is not None}
    if not changes:
        raise typer.BadParameter("say what is to change")
    with unlock(home, passphrase_file) as client:
        entry = client.own_listing.edit(changes, of)
    _show(entry, json)


def confirm(of: Of = None, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Say that your own entry is right as it stands: directories are verified every ninety days."""
    with unlock(home, passphrase_file) as client:
        entry = client.own_listing.confirm(of)
    _show(entry, json)


def hide(of: Of = None, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Take your own entry out of searches; who knows your id still writes to you."""
    _hidden(True, of, home, passphrase_file, json)


def unhide(of: Of = None, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Let colleagues find you again."""
    _hidden(False, of, home, passphrase_file, json)


def _hidden(hidden: bool, of: UUID | None, home: Home, passphrase_file: PassphraseFile, as_json: bool) -> None:
    with unlock(home, passphrase_file) as client:
        entry = client.own_listing.edit({"hidden": hidden}, of)
    _show(entry, as_json)


def _values(values: list[str]) -> list[str]:
    """What was given, each once, without the empty text that stands for none."""
    return [text for text in dict.fromkeys(each.strip() for each in values) if text]


def _ages(given: list[str] | None) -> list[str] | None:
    for each in _values(given or []):
        if each not in set(AgeGroup):
            raise typer.BadParameter(f"{each!r} is not one of: {', '.join(AgeGroup)}", param_hint="--age")
    return given


def _show(entry: OwnEntry, as_json: bool) -> None:
    show(entry.model_dump(mode="json"), "\n".join(_lines(entry)), as_json=as_json)


def _lines(entry: OwnEntry) -> list[str]:
    work = entry.organization.name if entry.organization else ""
    town = " ".join(filter(None, (", ".join(filter(None, (entry.city, entry.state))), entry.postal_code)))
    said = {
        "specialties": ", ".join(f"{each.name} ({each.code})" for each in entry.specialties),
        "languages": ", ".join(map(languages.name, entry.languages)),
        "ages": ", ".join(entry.ages),
        "plans": ", ".join(entry.plans),
        "telehealth": _said(entry.telehealth),
        "new patients": _said(entry.accepting),
        "address": ", ".join(filter(None, (entry.line, town))),
        "phone": entry.phone or "",
        "found by": "your own organization" if entry.hidden else "everybody enrolled",
        "confirmed": _confirmed(entry),
    }
    return [
        _one_line(", ".join(filter(None, (entry.name, work)))),
        *(f"  {name:<12}  {_one_line(text) or '-'}" for name, text in said.items()),
    ]


def _one_line(text: str) -> str:
    """A text that begins no line which its entry does not have."""
    return " ".join(text.split())


def _said(value: bool | None) -> str:
    return "" if value is None else ("no", "yes")[value]


def _confirmed(entry: OwnEntry) -> str:
    day = f"{entry.confirmed_at:%Y-%m-%d}" if entry.confirmed_at else "never"
    return f"{day}; if it is right: concord directory confirm" if entry.stale else day


__all__ = ["register"]
