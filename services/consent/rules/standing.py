"""Who may do what to a consent.

Owns the table of deeds and the standing each one takes. Refuses to know sessions, tokens and codes: a member is two
ids, a patient is the token that their code stands for.
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


@dataclass(frozen=True)
class Patient:
    """Someone who showed the code that stands for a patient token."""

    token: str


Actor = Member | Patient


class Standing(StrEnum):
    """What someone is to a consent, in at least one of its directions."""

    DISCLOSER = "discloser"
    RECIPIENT = "recipient"
    PATIENT = "patient"


_EITHER = frozenset({Standing.DISCLOSER, Standing.RECIPIENT})
_ANYONE = frozenset(Standing)

# Revoking is anyone's who is a party: a patient turns to the clinician they see, and stopping is always the safe way to
# err. What widens a consent is not for the patient's page to do: that takes a signature. `docs/law.md` shows it.
WHO: Mapping[Deed, frozenset[Standing]] = {
    Deed.READ: _ANYONE,
    Deed.DRAFT: _EITHER,
    Deed.ATTACH: _EITHER,
    Deed.ACCEPT: frozenset({Standing.DISCLOSER}),
    Deed.ACTIVATE: _EITHER,
    Deed.SUPERSEDE: _EITHER,
    Deed.REVOKE: _ANYONE,
    Deed.EXPIRE: _EITHER,
    Deed.EXPLAIN: _EITHER,
    Deed.ACCOUNT: _ANYONE,
    Deed.ISSUE_CODE: _EITHER,
}


def standings(actor: Actor, terms: Terms) -> frozenset[Standing]:
    """What `actor` is to a consent with these terms; empty for a stranger."""
    if isinstance(actor, Patient):
        return frozenset({Standing.PATIENT}) if actor.token == terms.patient else frozenset()
    return frozenset(
        standing
        for discloser, recipient in terms.ways
        for standing, party in ((Standing.DISCLOSER, discloser), (Standing.RECIPIENT, recipient))
        if actor.is_party(party)
    )


def may(deed: Deed, held: frozenset[Standing]) -> bool:
    """Whether someone with these standings may do this deed."""
    return bool(WHO.get(deed, frozenset()) & held)
