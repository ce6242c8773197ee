"""What a consent comes to at the gate: plain facts, one a live direction.

Owns the compiling. Refuses to add anything: a grant says what the text says for one direction, or it is not there.
The elements are checked again here, so that no row, however it came to be, is compiled while it lacks one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from concord_formats.vocabulary import Information, Purpose, Sensitivity

from .elements import IncompleteError, missing_elements
from .fit import only_with
from .restrictions import Withheld
from .terms import Party, Text


@dataclass(frozen=True)
class Grant:
    """One discloser may disclose to one recipient, for any of the purposes, what carries none but these labels, in
    this window.

    `only_with`: what does not carry this label is not covered. `withheld`: what is denied all the same. `letter`: no
    other letter is covered.
    """

    discloser: Party
    recipient: Party
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    only_with: Sensitivity | None = None
    withheld: tuple[Withheld, ...] = ()
    letter: UUID | None = None


def compile_grants(text: Text, withheld: Sequence[Withheld] = (), letter: UUID | None = None) -> tuple[Grant, ...]:
    """The grants of a text that is in force, in the text's own order of ways. Raises `IncompleteError`.

    A text whose end was recorded has an empty window, so that no two clocks have to agree on when it ended.
    """
    if missing := missing_elements(text):
        raise IncompleteError(missing)
    live = {(each.discloser, each.recipient) for each in text.directions if each.live(text.evidence)}
    terms = text.terms
    forward = Grant(
        discloser=terms.discloser,
        recipient=terms.recipient,
        purposes=terms.purposes,
        information=terms.information,
        sensitivity=terms.sensitivity,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until if text.ended_at is None else terms.valid_from,
        only_with=only_with(terms),
        withheld=tuple(withheld),
        letter=letter,
    )
    return tuple(replace(forward, discloser=way[0], recipient=way[1]) for way in terms.ways if way in live)


def as_fact(grant: Grant) -> dict[str, Any]:
    """A grant as it stands in an event and in a snapshot; lists are sorted, instants are RFC 3339 in UTC."""
    fact: dict[str, Any] = {
        "discloser": party_fact(grant.discloser),
        "recipient": party_fact(grant.recipient),
        "purposes": sorted(grant.purposes),
        "information": sorted(grant.information),
        "sensitivity": sorted(grant.sensitivity),
        "valid_from": instant(grant.valid_from),
        "valid_until": instant(grant.valid_until),
        "withheld": [_withheld_fact(each) for each in grant.withheld],
    }
    if grant.only_with is not None:
        fact["only_with"] = grant.only_with.value
    if grant.letter is not None:
        fact["letter"] = str(grant.letter)
    return fact


def _withheld_fact(withheld: Withheld) -> dict[str, Any]:
    return {
        "discloser": party_fact(withheld.discloser),
        "recipient": None if withheld.recipient is None else party_fact(withheld.recipient),
        "information": sorted(withheld.information),
        "sensitivity": sorted(withheld.sensitivity),
    }


def party_fact(party: Party) -> dict[str, str]:
    """A party as it stands in an event."""
    return {"kind": party.kind.value, "id": str(party.id)}


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with a `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
