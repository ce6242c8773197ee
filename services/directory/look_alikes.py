"""Names that pass for one another: refused at the invitation, before anybody can write to the wrong person.

Owns the question whether a new name looks like one that another account has. Refuses to decide who is who: an
administrator who has made sure that these are two people says so, and the name is taken.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.chassis.problems import Problem, invalid_field

from .models import Practitioner
from .rules.people import Status, folded, mixed_word, several_alphabets, skeleton_of


def check_alphabets(name: str) -> None:
    """Raises problem 422 for a name in which one word has letters of several alphabets (UTS 39, section 5.1)."""
    word = mixed_word(name)
    if word is not None:
        raise invalid_field("name", several_alphabets(word))


def check_looks(session: Session, account: UUID | None, organization: UUID, name: str) -> None:
    """Raises problem 409 `name-looks-alike` where another account has a name of this skeleton and another spelling.

    The same spelling is a namesake, and passes. Invitations that wait count too, else two of them would pass beside
    each other; but not those of one's own organization, whose administrator mends a spelling with a further one.
    """
    like = select(Practitioner.id).where(
        Practitioner.skeleton == skeleton_of(name),
        Practitioner.folded != folded(name),
        Practitioner.id != account,
        or_(Practitioner.status != Status.INVITED, Practitioner.organization_id != organization),
    )
    found = session.scalar(like.order_by(Practitioner.created_at, Practitioner.id).limit(1))
    if found is not None:
        raise _looks_alike(found)


def _looks_alike(other: UUID) -> Problem:
    detail = (
        "Another account has a name that nobody can tell from this one. Look it up. If these are two people, "
        "send `look_alike`: true."
    )
    return Problem(409, "name-looks-alike", "A name that looks alike", detail, field="name", practitioner=str(other))
