"""Who of a letter's recipients is away: said beside `concord send`, and with `--covering` written to as well.

Owns the remark and the further recipients, and that a team's members are named before anything is sealed to them.
Refuses to write to a covering colleague unasked, and to stop a letter because nobody could be asked who is away. A team
is not asked about: its members stand in for one another.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import typer
from concord_formats.address import MAX_RECIPIENTS

from ..api.coverage import Coverage
from ..client import Client
from ..errors import ServiceError, UnreachableError
from ..letters import Draft
from .days import shown_end
from .output import note

_ACTIVE = "active"
_SUSPENDED = "They are suspended, and get nothing."


def with_covering(client: Client, draft: Draft, *, covering: bool) -> Draft:
    """The draft, with `covering` to the covering colleagues of those who are away, too. Raises `KeyLogError`."""
    if draft.team is not None:
        if covering:
            raise typer.BadParameter("a team covers for its own members", param_hint="--covering")
        return _to_present_members(client, draft, draft.team)
    if covering:
        return _with_those_who_cover(client, draft)
    with suppress(ServiceError, UnreachableError):  # the letter itself meets them again, and tells them better
        draft = replace(draft, recipients=client.letters.recipients(draft))  # and they are not looked up again
        for each in _absences(client, draft.recipients):
            note(_remark(client, each, draft.recipients, "To send it to them as well: --covering"))
    return draft


def _to_present_members(client: Client, draft: Draft, team: UUID) -> Draft:
    """To those who are named now, and to nobody whom the directory shows in the team a moment later."""
    people = client.letters.recipients(draft)
    note(f"To {client.letters.name(f'team:{team}')}: {', '.join(map(client.colleagues.name, people))}.")
    return replace(draft, recipients=people)


def _with_those_who_cover(client: Client, draft: Draft) -> Draft:
    people = client.letters.recipients(draft)
    away = _absences(client, people)
    covers = [each for each in away if each.covering.status == _ACTIVE and each.covering.id != client.practitioner]
    everybody = tuple(dict.fromkeys((*people, *(client.coverage.covering(each).id for each in covers))))
    for each in away:
        note(_remark(client, each, everybody, _SUSPENDED))
    return replace(draft, recipients=everybody)


def _absences(client: Client, people: tuple[UUID, ...]) -> list[Coverage]:
    """Who of them is away; of more people than a letter can have nobody is asked about, for it is refused."""
    return client.coverage.away(people) if len(people) <= MAX_RECIPIENTS else []


def _remark(client: Client, each: Coverage, people: tuple[UUID, ...], otherwise: str) -> str:
    """Who is away, who covers, and whether they get the letter."""
    until = f"{client.colleagues.name(each.practitioner)} is away until {shown_end(each.ends_at)}"
    if each.covering.id == client.practitioner:
        return f"{until}, and you cover."
    covers = f"{until}, and {client.colleagues.name(each.covering.id)} covers."
    if each.covering.id in people:
        return f"{covers} The letter goes to them as well."
    return f"{covers} {otherwise if each.covering.status == _ACTIVE else _SUSPENDED}"


__all__ = ["with_covering"]
