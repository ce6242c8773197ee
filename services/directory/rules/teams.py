"""What a team or a department may be called, how large a team may be, and who may let somebody go.

Owns the words of their standing. Refuses to say who is a member: that is in the tables.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from concord_formats.address import MAX_RECIPIENTS
from concord_formats.names import mixes_scripts, skeleton

from .people import Member, administers

# A letter to a team is sealed to each of its members.
MAX_MEMBERS = MAX_RECIPIENTS
# One character of a name can look like many; two names that differ only behind this are taken for one.
MAX_LOOK = 600


class TeamStatus(StrEnum):
    """Where a team stands; a closed one has no members, and is not opened again."""

    ACTIVE = "active"
    CLOSED = "closed"


class MembershipStatus(StrEnum):
    """Where a membership stands."""

    MEMBER = "member"
    REMOVED = "removed"


def look(name: str) -> str:
    """What a name looks like: two of one organization that a reader cannot tell apart have the same."""
    return skeleton(name)[:MAX_LOOK]


def why_no_name(name: str) -> str | None:
    """Why nothing of an organization may be called this; None: it may."""
    if mixes_scripts(name):
        return "has a word with letters of several alphabets; write each word in one"
    if not look(name):
        return "has nothing that can be seen; write it with letters"
    return None


def may_remove(caller: Member, practitioner: UUID, organization: UUID) -> bool:
    """A member leaves by themselves, or is let go by an administrator of the team's organization."""
    return caller.id == practitioner or administers(caller, organization)
