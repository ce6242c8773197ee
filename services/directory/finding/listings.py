"""The entry that an account keeps of itself.

Owns its making at enrolment, what its owner says, and when it is shown. Refuses to say who somebody is: name, NPI and
organization are the account's, and nobody types them here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from concord_formats.names import searchable
from sqlalchemy import case, delete, false, or_, select
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.problems import invalid_field, not_found

from ..deps import Deps, acting
from ..models import Listing, ListingTag, Practitioner
from ..rules import languages, places
from ..rules.people import Role, Status, administers
from ..rules.tags import SPECIALTY, Said, Sorted, tags_of
from ..rules.words import words_of
from .listing_showing import FoundListing, present

# Entries that are made in one turn of the worker.
_AT_ONCE = 500


@dataclass(frozen=True)
class Kept:
    """All that an owner says of their entry. Languages are BCP 47 primary subtags or English names."""

    said: Said
    line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    phone: str | None = None
    hidden: bool = False


def own(deps: Deps, caller: Caller, practitioner: UUID) -> FoundListing:
    """The entry of an account, for its owner and the administrators of its organization. Raises problem 404."""
    with deps.database.transaction() as session:
        return present(session, deps, _owned(session, caller, practitioner))


def keep(deps: Deps, caller: Caller, practitioner: UUID, kept: Kept) -> FoundListing:
    """Put what the owner says in the place of what stood there, and take it as confirmed.

    Raises problem 404, 422 for a language, or an insurance plan without a letter or a digit.
    """
    said = _checked(kept.said)
    with deps.database.transaction() as session:
        row = _owned(session, caller, practitioner)
        row.telehealth, row.accepting, row.hidden = said.telehealth, said.accepting, kept.hidden
        row.plans = list(said.plans)
        row.phone, row.confirmed_at = kept.phone, deps.clock.now()
        _move(row, kept)
        _tag(session, row, tags_of(said, enrolled=True))
        _follow(row, session.get_one(Practitioner, practitioner))
        session.flush()
        return present(session, deps, row)


def confirm(deps: Deps, caller: Caller, practitioner: UUID) -> FoundListing:
    """Say that an entry is right as it stands. Raises problem 404."""
    with deps.database.transaction() as session:
        row = _owned(session, caller, practitioner)
        row.confirmed_at = deps.clock.now()
        return present(session, deps, row)


def of_account(session: Session, deps: Deps, person: Practitioner) -> None:
    """Make or refresh the entry of an account in the caller's transaction, at enrolment and at a change of standing.

    Only practitioners have one. The first takes over what NPPES says of the same NPI, for its owner to confirm.
    """
    if person.role != Role.PRACTITIONER or person.status == Status.INVITED:
        return
    imported = _imported(session, person.npi)
    row = session.scalars(select(Listing).where(Listing.practitioner_id == person.id)).one_or_none()
    if row is None:
        row = _new(session, person, imported)
    _follow(row, person)
    for each in imported:
        each.shown = False
    session.flush()


def make_missing(deps: Deps) -> None:
    """Entries for accounts that have none, and those that do not follow theirs: a process of an older version enrolled,
    suspended or reinstated somebody.
    """
    follows = case((Practitioner.status == Status.ACTIVE, Listing.hidden.is_(False)), else_=false())
    behind = (
        select(Practitioner)
        .outerjoin(Listing, Listing.practitioner_id == Practitioner.id)
        .where(
            Practitioner.role == Role.PRACTITIONER,
            Practitioner.status != Status.INVITED,
            or_(Listing.id.is_(None), Listing.shown != follows),
        )
    )
    with deps.database.transaction() as session:
        for person in session.scalars(behind.limit(_AT_ONCE)):
            of_account(session, deps, person)


def _imported(session: Session, npi: str | None) -> list[Listing]:
    if npi is None:
        return []
    same = select(Listing).where(Listing.npi == npi, Listing.practitioner_id.is_(None))
    return list(session.scalars(same.with_for_update(of=Listing)))


def _new(session: Session, person: Practitioner, imported: Iterable[Listing]) -> Listing:
    row = Listing(id=uuid4(), practitioner_id=person.id, kind="individual", hidden=False, plans=[])
    codes = {person.taxonomy} if person.taxonomy else set()
    for each in imported:
        for name in ("line", "city", "state", "postal_code", "phone", "lat", "lon", "cell"):
            setattr(row, name, getattr(each, name))
        codes |= set(_codes(session, each.id))
    _follow(row, person)
    session.add(row)
    session.flush()
    _tag(session, row, tags_of(Said(specialties=tuple(codes)), enrolled=True))
    return row


def _codes(session: Session, listing: UUID) -> Iterable[str]:
    tags = session.scalars(select(ListingTag.tag).where(ListingTag.listing_id == listing))
    return Sorted.of(tags).of_kind(SPECIALTY)


def _follow(row: Listing, person: Practitioner) -> None:
    """What of an entry is the account's."""
    row.npi, row.name, row.words = person.npi, person.name, words_of(person.name)
    row.organization_name = person.organization.name
    row.organization_words = words_of(person.organization.name)
    row.shown = person.status == Status.ACTIVE and not row.hidden


def _move(row: Listing, kept: Kept) -> None:
    row.line, row.city, row.state, row.postal_code = kept.line, kept.city, kept.state, kept.postal_code
    place = places.where(kept.postal_code or "")
    row.lat, row.lon = place or (None, None)
    row.cell = places.cell(*place) if place else None


def _tag(session: Session, row: Listing, tags: Iterable[str]) -> None:
    session.execute(delete(ListingTag).where(ListingTag.listing_id == row.id))
    cell = row.cell or places.NOWHERE
    session.add_all([ListingTag(tag=each, cell=cell, listing_id=row.id) for each in tags])


def _checked(said: Said) -> Said:
    """What was said, with languages as codes."""
    if any(not searchable(plan) for plan in said.plans):
        raise invalid_field("plans", "each must have a letter or a digit")
    codes = [languages.code(each) for each in said.languages]
    if None in codes:
        raise invalid_field("languages", "each must be a BCP 47 code such as `es`, or an English name such as Spanish")
    return replace(said, languages=tuple(dict.fromkeys(code for code in codes if code)))


def _owned(session: Session, caller: Caller, practitioner: UUID) -> Listing:
    member = acting(session, caller)
    person = session.get(Practitioner, practitioner, with_for_update={"of": Practitioner})
    if person is None or not (member.id == person.id or administers(member, person.organization_id)):
        raise not_found("listing")
    row = session.scalars(select(Listing).where(Listing.practitioner_id == practitioner)).one_or_none()
    if row is None:
        raise not_found("listing")
    return row


__all__ = ["Kept", "confirm", "keep", "make_missing", "of_account", "own"]
