"""Rights that a letter claims beside its consent: to be sent on behalf of somebody, and to go to a team.

Owns the judgement on delegations and memberships. Refuses consents: what the delegator could not send, nobody sends
for them, and that is judged as for every other letter (`decision`).

A delegation is the right to *send*. So its period is asked about when the letter is sent, and no more when it is read;
revoked, or with its delegator suspended, it stops what was not handed out yet.
"""

from __future__ import annotations

from datetime import datetime

from concord_formats.vocabulary import Purpose

from .known import Delegation, Facts, Status
from .verdict import Reason, Refusal


def against_right(facts: Facts, now: datetime) -> Refusal | None:
    """What speaks against sending in somebody's name; nothing, when the sender writes for themselves."""
    if facts.letter.on_behalf_of is None:
        return None
    given = facts.delegation
    if given is None or given.status is Status.UNKNOWN:
        return Refusal(Reason.NOT_DELEGATED, unheard=True)
    if not _stands(given, facts, now):
        return Refusal(Reason.NOT_DELEGATED)
    return _against_delegator(facts) or _beyond(given, facts)


def against_membership(facts: Facts) -> Refusal | None:
    """What speaks against addressing the recipient as a member; nothing, when they are addressed for themselves.

    A member belongs to the organization whose team it is: who moved on is none, also if the team still lists them.
    """
    if facts.letter.team is None:
        return None
    member, recipient = facts.member, facts.recipient
    if member is None or member.status is Status.UNKNOWN:
        return Refusal(Reason.NOT_A_MEMBER, unheard=True)
    belongs = recipient is not None and member.organization == recipient.organization
    return None if belongs and member.status is Status.ACTIVE else Refusal(Reason.NOT_A_MEMBER)


def _stands(given: Delegation, facts: Facts, now: datetime) -> bool:
    """Whether this is a right of the sender's, by the one whom the letter names, and in force."""
    own = (given.delegator, given.delegate) == (facts.letter.on_behalf_of, facts.letter.sender)
    in_time = given.valid_from <= now < given.valid_until or not facts.at_the_send
    return own and in_time and given.status is Status.ACTIVE


def _against_delegator(facts: Facts) -> Refusal | None:
    delegator, sender = facts.delegator, facts.sender
    if delegator is None or delegator.status is Status.UNKNOWN:
        return Refusal(Reason.NOT_DELEGATED, unheard=True)
    together = sender is not None and sender.organization == delegator.organization
    return None if together and delegator.status is Status.ACTIVE else Refusal(Reason.NOT_DELEGATED)


def _beyond(given: Delegation, facts: Facts) -> Refusal | None:
    """An emergency is beyond every delegation, whatever it says: who releases in one judges for themselves (42 CFR
    2.51).
    """
    missing, purpose = given.missing_labels(facts.letter), facts.letter.purpose
    if missing or purpose not in given.purposes or purpose is Purpose.EMERGENCY:
        return Refusal(Reason.BEYOND_DELEGATION, labels=missing)
    return None
