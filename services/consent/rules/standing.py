"""Who may do what to a consent.

Owns the table of deeds and the standing each one takes. Refuses to know sessions and tokens: a member is two ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from concord_formats.vocabulary import PartyKind

from .lifecycle import Deed
from .terms import Party, Terms


@dataclass(frozen=True)
class Member:
    """Someone who is signed in: a practitioner, and the organization they act for."""

    practitioner: UUID
    organization: UUID

    def is_party(self, party: Party) -> bool:
        """Whether this is the party, or an active member of it."""
        own = {PartyKind.PRACTITIONER: self.practitioner, PartyKind.ORGANIZATION: self.organization}
        return own[party.kind] == party.id


class Standing(StrEnum):
    """What someone is to a consent, in at least one of its directions."""

    DISCLOSER = "discloser"
    RECIPIENT = "recipient"


_EITHER = frozenset(Standing)

# Revoking is anyone's who is a party: a patient turns to the clinician they see, and stopping is always the safe way
# to err.
WHO: Mapping[Deed, frozenset[Standing]] = {
    Deed.READ: _EITHER,
    Deed.DRAFT: _EITHER,
    Deed.ATTACH: _EITHER,
    Deed.ACCEPT: frozenset({Standing.DISCLOSER}),
    Deed.ACTIVATE: _EITHER,
    Deed.REVOKE: _EITHER,
}


def standings(member: Member, terms: Terms) -> frozenset[Standing]:
    """What `member` is to a consent with these terms; empty for a stranger."""
    return frozenset(
        standing
        for discloser, recipient in terms.ways
        for standing, party in ((Standing.DISCLOSER, discloser), (Standing.RECIPIENT, recipient))
        if member.is_party(party)
    )


def may(deed: Deed, held: frozenset[Standing]) -> bool:
    """Whether someone with these standings may do this deed."""
    return bool(WHO.get(deed, frozenset()) & held)
