"""What a consent comes to at the gate: plain facts, one a live direction.

Owns the compiling. Refuses to add anything: a grant says what the text says for one direction, or it is not there.
The elements are checked again here, so that no row, however it came to be, is compiled while it lacks one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from concord_formats.vocabulary import Information, Purpose, Sensitivity

from .elements import IncompleteError, missing_elements
from .terms import Party, Text


@dataclass(frozen=True)
class Grant:
    """One discloser may disclose to one recipient, for any of the purposes, what carries none but these labels, in
    this window.
    """

    discloser: Party
    recipient: Party
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime


def compile_grants(text: Text) -> tuple[Grant, ...]:
    """The grants of a text that is in force, in the text's own order of ways. Raises `IncompleteError`."""
    if missing := missing_elements(text):
        raise IncompleteError(missing)
    live = {(each.discloser, each.recipient) for each in text.directions if each.live(text.evidence)}
    terms = text.terms
    return tuple(
        Grant(*way, terms.purposes, terms.information, terms.sensitivity, terms.valid_from, terms.valid_until)
        for way in terms.ways
        if way in live
    )


def as_fact(grant: Grant) -> dict[str, Any]:
    """A grant as it stands in an event and in a snapshot; lists are sorted, instants are RFC 3339 in UTC."""
    return {
        "discloser": party_fact(grant.discloser),
        "recipient": party_fact(grant.recipient),
        "purposes": sorted(grant.purposes),
        "information": sorted(grant.information),
        "sensitivity": sorted(grant.sensitivity),
        "valid_from": instant(grant.valid_from),
        "valid_until": instant(grant.valid_until),
    }


def party_fact(party: Party) -> dict[str, str]:
    """A party as it stands in an event."""
    return {"kind": party.kind.value, "id": str(party.id)}


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with a `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
