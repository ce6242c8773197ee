"""The verbs of a consent: draft, accept, activate, revoke, show.

Owns the order of the steps in each. Refuses two things: to wait for the barrier within a transaction, and to undo a
revocation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.vocabulary import ExpiryEvent

from . import events, records, refusals, texts
from .changes import Change, change, check_standing
from .deps import Collaborators
from .models import VersionRow
from .records import Seen
from .rules.elements import IncompleteError, check_acceptance, check_activation
from .rules.fit import check_fit
from .rules.lifecycle import Deed, Status
from .rules.standing import Actor, Member, Patient, Standing, standings
from .rules.terms import Terms, TermsError, check_parties, check_renewal
from .rules.window import check_window

# Longer than L + M, by which a revocation holds at the latest, shorter than the ten seconds that clients commonly wait.
REVOCATION_WAIT_SECONDS = 8.0
# A first activation takes nothing away: waiting only spares the next letter a refusal, so it is not worth more than
# this.
ACTIVATION_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Revocation:
    """When a consent was revoked, and since when that holds everywhere; None while it is not yet known to."""

    revoked_at: datetime
    effective_at: datetime | None


def draft(with_: Collaborators, member: Member, terms: Terms) -> Seen:
    """A new consent, as a draft. Raises problems 403 `not-a-party`, 422 `invalid-field` and `unknown-party`, 503."""
    _check_terms(with_, member, terms)
    with with_.database.transaction() as session:
        records.lock_patient(session, terms.patient)
        row = texts.new_consent(terms, member.practitioner, with_.clock.now())
        session.add(row)
        session.flush()
        return records.see(session, row)


def draft_version(with_: Collaborators, member: Member, consent: UUID, terms: Terms) -> Seen:
    """A further version, as a draft: same patient, same parties. Raises the problems of `draft`, 404 and 409."""
    show(with_, member, consent)  # a stranger learns nothing from how the terms are refused
    _check_terms(with_, member, terms)
    with change(with_, member, consent) as opened:
        last = opened.consent.versions[-1]
        opened.check(Deed.DRAFT, last)
        if opened.consent.letter is not None:
            raise refusals.emergency_is_one_letter()
        _check_next(opened, last, terms)
        row = texts.new_version(terms, last.number + 1, member.practitioner, opened.now)
        opened.consent.versions.append(row)
        opened.session.flush()
        return records.see(opened.session, opened.consent)


def accept(with_: Collaborators, member: Member, consent: UUID, number: int, evidence_sha256: str) -> Seen:
    """Accept, for the discloser, the directions that are the caller's. Accepting again answers the same.

    Raises problems 403 `not-the-discloser`, 404, and 409 `evidence-differs`, `consent-incomplete` or by the version's
    status.
    """
    with change(with_, member, consent) as opened:
        version = opened.version(number, Deed.ACCEPT)
        if version.evidence_sha256 != evidence_sha256:
            raise refusals.evidence_differs()
        accepted = _accept_own(opened, version)
        if accepted and version.status == Status.ACTIVE:
            opened.tell_activated(version)
    return _settled(with_, member, consent, number, ACTIVATION_WAIT_SECONDS)


def activate(with_: Collaborators, member: Member, consent: UUID, number: int) -> Seen:
    """Put a version in force, in the place of the one before. Activating again answers the same.

    Raises problems 404, and 409 `consent-incomplete` or by the version's status.
    """
    with change(with_, member, consent) as opened:
        version = opened.version(number, Deed.ACTIVATE)
        former = records.in_status(opened.consent, Status.ACTIVE)
        if version is not former:
            _put_in_force(opened, version, former)
    superseding = former is not None and former is not version
    # What a narrower version took away is gone only behind the barrier, as with a revocation.
    wait = REVOCATION_WAIT_SECONDS if superseding else ACTIVATION_WAIT_SECONDS
    return _settled(with_, member, consent, number, wait)


def end(with_: Collaborators, member: Member, consent: UUID, number: int) -> Seen:
    """Record that the event came on which a version expires. Recording it again answers the same.

    Raises problems 404, and 409 `no-expiry-event` or by the version's status.
    """
    with change(with_, member, consent) as opened:
        version = opened.version(number, Deed.EXPIRE)
        if version.expires_on in (None, ExpiryEvent.NONE):
            raise refusals.no_expiry_event()
        if version.ended_at is None:
            version.ended_at, version.ended_by = opened.now, member.practitioner
            opened.tell_activated(version)
    return _settled(with_, member, consent, number, REVOCATION_WAIT_SECONDS)


def revoke_as_patient(with_: Collaborators, token: str, consent: UUID) -> Revocation:
    """Revoke for the patient themselves, who showed the code of this token. As `revoke` otherwise."""
    return revoke(with_, Patient(token), consent)


def revoke(with_: Collaborators, actor: Actor, consent: UUID) -> Revocation:
    """Revoke a consent in all its versions, for ever, and wait until it holds everywhere.

    Revoking again answers the same. A draft that was never in force is withdrawn the same way, and holds at once.
    Raises problem 404.
    """
    with change(with_, actor, consent) as opened:
        opened.check(Deed.REVOKE, opened.consent.versions[-1])
        if opened.consent.revoked_at is None:
            _revoke_all(opened)
        told = next((each.told for each in opened.consent.versions if _was_stopped(each)), None)
    if told is not None:
        with_.barrier.await_effective(told, REVOCATION_WAIT_SECONDS)
    return _revocation(show(with_, actor, consent))


def show(with_: Collaborators, actor: Actor, consent: UUID) -> Seen:
    """One consent. Raises problem 404, to a stranger as well."""
    with with_.database.transaction() as session:
        row = records.find(session, consent)
        if row is None:
            raise refusals.no_such_consent()
        check_standing(actor, Deed.READ, row, row.versions[-1])
        return records.see(session, row)


def list_own(with_: Collaborators, member: Member, after: tuple[datetime, UUID] | None, limit: int) -> list[Seen]:
    """The consents that the caller is a party to, oldest first, at most `limit` after the one that `after` names."""
    with with_.database.transaction() as session:
        return [records.see(session, row) for row in records.page_of(session, member, after, limit)]


def _check_terms(with_: Collaborators, member: Member, terms: Terms) -> None:
    if not any(member.is_party(party) for party in terms.parties):
        raise refusals.not_a_party()
    try:
        check_parties(terms)
        check_fit(terms)
        check_window(terms, with_.clock.now())
    except TermsError as error:
        raise refusals.wrong_terms(error) from None
    for field, party in (("discloser", terms.discloser), ("recipient", terms.recipient)):
        if not with_.parties.knows(party):
            raise refusals.unknown_party(field)


def _check_next(opened: Change, last: VersionRow, terms: Terms) -> None:
    try:
        check_renewal(texts.terms_of(opened.consent, last), terms)
    except TermsError as error:
        raise refusals.wrong_terms(error) from None
    if last.status == Status.DRAFT:
        raise refusals.draft_exists(last.number)
    opened.after(last, Deed.SUPERSEDE)


def _accept_own(opened: Change, version: VersionRow) -> bool:
    """Accept each direction that is the member's and is not accepted yet; whether there was one."""
    ways = texts.terms_of(opened.consent, version).ways
    mine = [row for row in version.directions if opened.member.is_party(ways[row.place][0])]
    fresh = [row for row in mine if row.accepted_at is None]
    if fresh:
        _complete(check_acceptance, texts.text_of(opened.consent, version))
    for row in fresh:
        row.accepted_at = opened.now
        row.accepted_by = opened.member.practitioner
        row.accepted_sha256 = version.evidence_sha256
    return bool(fresh)


def _put_in_force(opened: Change, version: VersionRow, former: VersionRow | None) -> None:
    _complete(check_activation, texts.text_of(opened.consent, version), opened.now)
    if former is not None:
        former.status = opened.after(former, Deed.SUPERSEDE).value
        former.superseded_at = opened.now
        opened.session.flush()  # before the next one: there is at most one active version at any moment
    version.status = Status.ACTIVE.value
    version.activated_at = opened.now
    version.activated_by = opened.member.practitioner
    opened.tell_activated(version, *([former] if former else []))


def _complete(check: Callable[..., None], *of: object) -> None:
    try:
        check(*of)
    except IncompleteError as error:
        raise refusals.incomplete(error) from None


def _revoke_all(opened: Change) -> None:
    consent = opened.consent
    held = standings(opened.actor, texts.terms_of(consent, consent.versions[-1]))
    consent.revoked_at, consent.revoked_by = opened.now, opened.by
    # A patient's word outweighs: of the two sides the discloser's is named.
    consent.revoked_as = next(each for each in _NAMED_FIRST if each in held).value
    active = records.in_status(consent, Status.ACTIVE)
    for version in consent.versions:
        after = opened.after(version, Deed.REVOKE)
        if after is Status.REVOKED:
            version.status, version.revoked_at = after.value, opened.now
    if active is not None:
        opened.tell(events.REVOKED, events.revoked(consent, active), active)


_NAMED_FIRST = (Standing.PATIENT, Standing.DISCLOSER, Standing.RECIPIENT)


def _was_stopped(version: VersionRow) -> bool:
    return version.status == Status.REVOKED and version.told is not None


def _settled(with_: Collaborators, member: Member, consent: UUID, number: int, wait: float) -> Seen:
    """The consent as it is once the version's last change holds everywhere, or after `wait` seconds as it is then."""
    seen = show(with_, member, consent)
    version = records.version_of(seen.consent, number)
    if version is None or version.told is None or seen.effective[number] is not None:
        return seen
    with_.barrier.await_effective(version.told, wait)
    return show(with_, member, consent)


def _revocation(seen: Seen) -> Revocation:
    """How far the revocation is: the version that was in force decides, a withdrawn draft was in force nowhere."""
    stopped = next((each for each in seen.consent.versions if _was_stopped(each)), None)
    assert seen.consent.revoked_at is not None  # noqa: S101 - it was committed before
    effective = seen.effective[stopped.number] if stopped else seen.consent.revoked_at
    return Revocation(seen.consent.revoked_at, effective)
