"""A delegate's look at a consent of the colleague in whose name they write.

Owns the way from a delegation to what its giver sees. Refuses every deed but reading: who may send in somebody's name
accepts, changes and revokes nothing in it; and a consent under which its giver may send nothing. What a delegate needs
of a consent is its version and its scope, which go into the letter.
"""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from services.chassis.problems import Problem

from . import refusals, usecases
from .deps import Collaborators
from .models import ConsentRow
from .records import Seen
from .rules.standing import Member, Standing, standings
from .texts import terms_of


def show(with_: Collaborators, member: Member, consent: UUID, delegation: UUID | None) -> Seen:
    """One consent, as `usecases.show`; by a delegation that holds now, also one by which its delegator discloses.

    Raises problem 404, to a stranger as well, 503.
    """
    try:
        return usecases.show(with_, member, consent)
    except Problem as refused:
        if delegation is None or refused.status != HTTPStatus.NOT_FOUND:
            raise
    delegator = with_.parties.delegator(delegation, member)
    if delegator is None:
        raise refusals.no_such_consent()
    seen = usecases.show(with_, delegator, consent)
    if not _may_send(delegator, seen.consent):
        raise refusals.no_such_consent()
    return seen


def _may_send(delegator: Member, consent: ConsentRow) -> bool:
    """Whether a letter can go in their name under it: who receives alone has nothing to write there."""
    return Standing.DISCLOSER in standings(delegator, terms_of(consent, consent.versions[-1]))
