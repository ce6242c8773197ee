"""The gate's decision: may this letter go to this recipient, now?

Owns the comparison of a letter with the facts that messaging follows, and what a refusal tells to whom. Refuses law:
what a consent must hold, and what it comes to, was settled by consent before its grants came here. Nothing is fetched
here; every fact is given.

A letter is covered by one grant alone, never by two together, and whatever speaks against it outweighs whatever
speaks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from .known import Consent, Device, Facts, Grant, Person, Status
from .rights import against_membership, against_right
from .verdict import Permit, Reason, Refusal


def decide(facts: Facts, now: datetime) -> Permit | Refusal:
    """The decision for one letter and one recipient at `now` (with a zone)."""
    grants = facts.consent.grants if facts.consent else ()
    return (
        _against_actor(facts)
        or against_right(facts, now)
        or _against_consent(facts)
        or _against_recipient(facts)
        or against_membership(facts)
        or _withheld(facts, grants)
        or _covering(facts, grants, now)
    )


def told(refusal: Refusal, consent: Consent | None, reader: Person | None, delegator: Person | None = None) -> Refusal:
    """What `reader` may learn of a refusal: the reason itself only as a party of the consent that the letter cites.

    To anyone else an unknown consent, a foreign one and one that does not cover the letter read the same. What is
    wrong with the reader's own sign-in or right is no secret of the consent. That something is withheld is between the
    patient and the side that withholds it: the other party of the consent is not told of it either. `delegator`: in
    whose name the reader sends. Whoever has that right, which is judged first, learns what the delegator may.
    """
    if refusal.reason in _OF_THE_READER:
        return refusal
    readers = [each for each in (reader, delegator) if each is not None]
    if consent is None or not any(map(consent.concerns, readers)):
        return Refusal(Reason.NO_ACTIVE_CONSENT)
    if refusal.reason is Reason.RESTRICTED and not any(map(consent.withholds_for, readers)):
        return Refusal(Reason.NO_ACTIVE_CONSENT)
    return refusal


_OF_THE_READER = frozenset(
    {Reason.SENDER_SUSPENDED, Reason.DEVICE_REVOKED, Reason.NOT_DELEGATED, Reason.BEYOND_DELEGATION}
)


def _against_actor(facts: Facts) -> Refusal | None:
    sender, device = facts.sender, facts.device
    if sender is None or sender.status is not Status.ACTIVE:
        return Refusal(Reason.SENDER_SUSPENDED, unheard=_unheard(sender))
    if device is None or device.status is not Status.ACTIVE or device.holder != facts.actor:
        return Refusal(Reason.DEVICE_REVOKED, unheard=_unheard(device))
    return None


def _unheard(fact: Person | Device | None) -> bool:
    return fact is None or fact.status is Status.UNKNOWN


def _against_consent(facts: Facts) -> Refusal | None:
    consent, letter = facts.consent, facts.letter
    if consent is None or consent.patient != letter.patient:
        return Refusal(Reason.NO_ACTIVE_CONSENT)
    if consent.status is Status.REVOKED:
        return Refusal(Reason.CONSENT_REVOKED)
    if consent.status is not Status.ACTIVE or letter.consent_version > consent.version:
        return Refusal(Reason.NO_ACTIVE_CONSENT)
    if letter.consent_version < consent.version:
        return Refusal(Reason.CONSENT_SUPERSEDED, version=consent.version)
    return None


def _against_recipient(facts: Facts) -> Refusal | None:
    if facts.recipient is None or facts.recipient.status is Status.UNKNOWN:
        return Refusal(Reason.UNKNOWN_RECIPIENT, unheard=True)
    if facts.recipient.status is not Status.ACTIVE:
        return Refusal(Reason.RECIPIENT_SUSPENDED)
    return None


def _withheld(facts: Facts, grants: Iterable[Grant]) -> Refusal | None:
    """An agreed restriction outweighs any consent: 45 CFR 164.522(a)(1)(iii), 42 CFR 2.26.

    Of a letter on behalf of somebody, what either of the two agreed to withhold is withheld.
    """
    recipient = facts.recipient
    if recipient is None:
        return None
    against = (each for grant in grants for each in grant.withheld)
    disclosing = facts.disclosing
    held_back = any(each.holds_back(facts.letter, who, recipient) for each in against for who in disclosing)
    return Refusal(Reason.RESTRICTED) if held_back else None


def _covering(facts: Facts, grants: Iterable[Grant], now: datetime) -> Permit | Refusal:
    """One grant that covers everything, or how far the nearest one came: each step keeps only grants that passed all
    before it.
    """
    left = list(grants)
    for covers, reason in _STEPS:
        before, left = left, [grant for grant in left if covers(grant, facts, now)]
        if not left:
            early = reason is Reason.CONSENT_EXPIRED and any(now < grant.valid_from for grant in before)
            return Refusal(Reason.CONSENT_NOT_YET_VALID if early else reason)
    nearest = min(left, key=lambda grant: len(grant.missing_labels(facts.letter)))
    if missing := nearest.missing_labels(facts.letter):
        return Refusal(Reason.LABEL_NOT_COVERED, labels=missing)
    return Permit(nearest)


def _is_between(grant: Grant, facts: Facts, _: datetime) -> bool:
    discloser, recipient = facts.discloser, facts.recipient
    if discloser is None or recipient is None:
        return False
    return grant.is_between(discloser, recipient, facts.letter.letter)


_STEPS: tuple[tuple[Callable[[Grant, Facts, datetime], bool], Reason], ...] = (
    (_is_between, Reason.RECIPIENT_NOT_COVERED),
    (lambda grant, _, now: grant.valid_from <= now < grant.valid_until, Reason.CONSENT_EXPIRED),
    (lambda grant, facts, _: facts.letter.purpose in grant.purposes, Reason.PURPOSE_NOT_COVERED),
    (lambda grant, facts, _: grant.only_with in (None, *facts.letter.sensitivity), Reason.NOTES_ONLY),
)
