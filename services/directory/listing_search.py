"""Finding colleagues: a clinician's question to the listings.

Owns the pages of what is found. Refuses more than two hundred entries of one question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from services.chassis.db import Database
from services.chassis.pages import decode_cursor, encode_cursor

from . import specialty_names
from .deps import Deps
from .listing_candidates import gather
from .listing_candidates_postgresql import Trigrams
from .listing_candidates_sqlite import FullText
from .listing_criteria import Criteria, WordIndex
from .listing_questions import Understood, Wanted, understand
from .listing_showing import Cover, FoundListing, present, present_all, present_both
from .models import Listing, Practitioner
from .rules.search import Candidate, ranked
from .rules.specialties import CodeList, SpecialtyName
from .rules.towns import Place

# What one question shows at most, however many pages are asked for: nobody reads further, and nobody copies the
# directory with a few questions.
MAX_DEPTH = 200


@dataclass(frozen=True)
class Found:
    """One page, the best first; `next` is the cursor of the page after it."""

    rows: Sequence[FoundListing]
    next: str | None
    understood: Understood = field(default_factory=Understood)


def search(deps: Deps, caller_organization: UUID | None, wanted: Wanted, cursor: str | None, limit: int) -> Found:
    """One page of what matches. People of the caller's own organization are found also while they are hidden.

    Raises problem 422 that names the member: a place or a specialty that nobody knows, a wrong NPI, no criterion, a
    cursor that is none.
    """
    last = decode_cursor(cursor, (int, str)) if cursor is not None else None
    with deps.database.transaction() as session:
        codes = specialty_names.known(session, deps.database)
        criteria, understood = understand(wanted, caller_organization, codes)
        found = _best(session, deps, criteria)
        if understood.specialties and wanted.q is not None and (criteria.asked or not found):
            # Harbor Psychology may be a practice's name.
            named, read = understand(wanted, caller_organization, codes, as_name=True)
            called = _best(session, deps, named, exactly=True)
            understood = understood if found or not called else read
            found = list({each.id: each for each in called + found}.values())[:MAX_DEPTH]
        start = _start(found, last)
        page = found[start : start + limit]
        more = start + limit < len(found)
        after = encode_cursor([start + limit, str(page[-1].id)]) if more else None
        return Found(_shown(session, deps, codes, page), after, understood)


def _best(session: Session, deps: Deps, criteria: Criteria, *, exactly: bool = False) -> list[Candidate]:
    candidates = gather(session, _index(deps.database), criteria, deps.clock.now(), exactly=exactly)
    return ranked(candidates, criteria.asked)[:MAX_DEPTH]


def _index(database: Database) -> WordIndex:
    return Trigrams() if database.is_postgresql else FullText()


def _start(found: Sequence[Candidate], last: Sequence[str | int] | None) -> int:
    """Where a page begins: after the last entry seen, or where that stood if it is gone."""
    if last is None:
        return 0
    place, id_ = int(last[0]), str(last[1])
    return next((at + 1 for at, each in enumerate(found) if str(each.id) == id_), max(place, 0))


def _shown(session: Session, deps: Deps, codes: CodeList, page: Sequence[Candidate]) -> list[FoundListing]:
    if not page:
        return []
    both = (
        select(Listing, Practitioner)
        .outerjoin(Practitioner, Practitioner.id == Listing.practitioner_id)
        # By itself it would be an inner one, and nobody found who is not enrolled.
        .options(joinedload(Practitioner.organization, innerjoin=False))
        .where(Listing.id.in_([each.id for each in page]))
    )
    rows = {row.id: (row, account) for row, account in session.execute(both)}
    # An import may have removed one a moment ago.
    still = [each for each in page if each.id in rows]
    shown = present_both(session, codes, [rows[each.id] for each in still], deps.clock.now())
    return [replace(one, distance_km=each.distance_km) for one, each in zip(shown, still, strict=True)]


__all__ = [
    "MAX_DEPTH",
    "Cover",
    "Found",
    "FoundListing",
    "Place",
    "SpecialtyName",
    "Understood",
    "Wanted",
    "present",
    "present_all",
    "search",
]
