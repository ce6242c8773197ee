"""What a team or a department may be called, how large a team may be, and who may let somebody go.

Owns the words of their standing. Refuses to say who is a member: that is in the tables.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from concord_formats.address import MAX_RECIPIENTS

from .people import Member, administers, mixed_word, several_alphabets, skeleton_of

# A letter to a team is sealed to each of its members.
MAX_MEMBERS = MAX_RECIPIENTS


class TeamStatus(StrEnum):
    """Where a team stands; a closed one has no members, and is not opened again."""

    ACTIVE = "active"
    CLOSED = "closed"


class MembershipStatus(StrEnum):
    """Where a membership stands."""

    MEMBER = "member"
    REMOVED = "removed"


def why_no_name(name: str) -> str | None:
    """Why nothing of an organization may be called this; None: it may."""
    if (word := mixed_word(name)) is not None:
        return several_alphabets(word)
    if not skeleton_of(name):
        return "has nothing that can be seen; write it with letters"
    return None


def may_remove(caller: Member, practitioner: UUID, organization: UUID) -> bool:
    """A member leaves by themselves, or is let go by an administrator of the team's organization."""
    return caller.id == practitioner or administers(caller, organization)
