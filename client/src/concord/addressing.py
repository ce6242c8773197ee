"""How a draft is addressed: under which version of its consent, to whom, and in whose name.

Owns the way from a draft to an address, and the delegation that lets somebody send in another's name. Refuses a letter
in the name of somebody who has not let one, before its consent is even looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from concord_formats.address import Address
from concord_formats.delegations import SignedDelegation

from .api import Consent, ConsentVersion
from .colleagues import Colleagues
from .consents import Consents
from .delegations import Delegations, Right
from .drafts import Draft, make_address
from .labels import LeftOut
from .recipients import Recipients
from .teams import Teams


@dataclass(frozen=True)
class Addressed:
    """An address, the version of the consent that it cites, and in somebody else's name what lets one."""

    address: Address
    version: ConsentVersion
    delegation: SignedDelegation | None


class Addressing:
    """Drafts on their way to an address."""

    def __init__(self, colleagues: Colleagues, consents: Consents, teams: Teams, delegations: Delegations) -> None:
        self._consents = consents
        self._teams = teams
        self._delegations = delegations
        self._recipients = Recipients(colleagues, teams)

    def of(self, draft: Draft, left_out: LeftOut, **own: UUID) -> Addressed:
        """The address of a new letter; `own` are the members `sender`, `device`, and `thread` when it is an answer.

        Raises `NoRecipientError`, `TeamError`, `DelegationError`, `PinError`, `ServiceError`, `UnreachableError`.
        """
        right = self._right(draft)
        consent = self._consent(draft, right)
        version = consent.cited
        by = {"delegation": right.id} if right else {}
        address = make_address(draft, consent, self._recipients.of(draft, version), left_out, **own, **by)
        return Addressed(address, version, right.signed if right else None)

    def consent(self, draft: Draft) -> Consent:
        """What a draft would go under now. Raises `NotDelegatedError`, `DelegationError`, `ServiceError`."""
        return self._consent(draft, self._right(draft))

    def recipients(self, draft: Draft) -> tuple[UUID, ...]:
        """Whom a draft would go to now. Raises what `of` does."""
        return self._recipients.of(draft, self.consent(draft).cited)

    def team_name(self, team: UUID) -> str:
        """What the directory calls a team. Raises `ServiceError`, `UnreachableError`."""
        return self._teams.show(team).name

    def _right(self, draft: Draft) -> Right | None:
        """What lets one send a draft in somebody else's name; None where it goes in one's own."""
        if draft.on_behalf_of is None:
            return None
        labels = draft.information | draft.sensitivity
        return self._delegations.right_to_send(draft.on_behalf_of, draft.purpose, labels)

    def _consent(self, draft: Draft, right: Right | None) -> Consent:
        return self._consents.show(draft.consent, right.id) if right else self._consents.show(draft.consent)


__all__ = ["Addressed", "Addressing"]
