"""Who of a letter's recipients is away: said beside `concord send`, and with `--covering` written to as well.

Owns the remark and the further recipients. Refuses to write to a covering colleague unasked, and to stop a letter
because nobody could be asked who is away. A team is not asked about: its members stand in for one another.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import typer

from ..api.coverage import Coverage
from ..client import Client
from ..errors import ServiceError, UnreachableError
from ..letters import Draft
from .days import shown
from .output import note

_ACTIVE = "active"


def with_covering(client: Client, draft: Draft, *, covering: bool) -> Draft:
    """The draft, with `covering` to the covering colleagues of those who are away, too. Raises `KeyLogError`."""
    if draft.team is not None:
        if covering:
            raise typer.BadParameter("a team covers for its own members", param_hint="--covering")
        return draft
    if not covering:
        with suppress(ServiceError, UnreachableError):  # the letter itself meets them again, and tells them better
            _tell(client, client.coverage.away(client.letters.recipients(draft)))
        return draft
    people = client.letters.recipients(draft)
    away = client.coverage.away(people)
    also = [client.coverage.covering(each).id for each in away if each.covering.status == _ACTIVE]
    for each in away:
        said = "the letter goes to them as well" if each.covering.id in also else "they are suspended, and get nothing"
        note(f"{_away(client, each)}: {said}.")
    return replace(draft, recipients=tuple(dict.fromkeys((*people, *also))))


def _tell(client: Client, away: list[Coverage]) -> None:
    for each in away:
        note(f"{_away(client, each)}. To send it to them as well: --covering")


def _away(client: Client, each: Coverage) -> str:
    who, covering = (client.colleagues.name(person) for person in (each.practitioner, each.covering.id))
    return f"{who} is away until {shown(each.ends_at)}, and {covering} covers"


__all__ = ["with_covering"]
