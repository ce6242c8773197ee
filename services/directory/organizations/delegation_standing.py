"""Whether a delegation holds at this moment, for the service that shows a delegate their delegator's consent.

Owns the question. Refuses to answer what it gives: the gate compares that for itself, by the facts of its feed.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from concord_formats.delegations import unverified_delegation

from services.chassis.problems import not_found

from ..deps import Deps
from ..models import DelegationRow, Practitioner
from ..rules.delegations import DelegationStatus
from ..rules.people import Status


@dataclass(frozen=True)
class Standing:
    """Who gave it to whom, in which organization, and whether it holds now."""

    delegator: UUID
    delegate: UUID
    organization: UUID
    holds: bool


def standing(deps: Deps, delegation: UUID) -> Standing:
    """Where a delegation stands: it holds while it was not revoked, within its days, between two who are active and of
    its organization. Raises problem 404.
    """
    with deps.database.transaction() as session:
        row = session.get(DelegationRow, delegation)
        if row is None:
            raise not_found("delegation")
        two = (session.get(Practitioner, id_) for id_ in (row.delegator_id, row.delegate_id))
        in_order = all(_in_order(each, row.organization_id) for each in two)
    in_time = unverified_delegation(row.line).holds_at(deps.clock.now())
    holds = row.status == DelegationStatus.ACTIVE and in_time and in_order
    return Standing(row.delegator_id, row.delegate_id, row.organization_id, holds)


def _in_order(person: Practitioner | None, organization: UUID) -> bool:
    return person is not None and person.status == Status.ACTIVE and person.organization_id == organization
