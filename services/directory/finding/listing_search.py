"""Finding colleagues: a clinician's question to the listings.

Owns the pages of what is found. Refuses more than two hundred entries of one question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.pages import decode_cursor, encode_cursor

from ..deps import Deps
from ..rules.search import Candidate, in_order
from ..rules.specialties import CodeList
from . import specialty_names
from .listing_candidates import gather
from .listing_candidates_postgresql import Trigrams
from .listing_candidates_sqlite import FullText
from .listing_criteria import Criteria, WordIndex
from .listing_questions import Understood, Wanted, understand
from .listing_showing import FoundListing, by_id

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
        codes = specialty_names.known(session, deps.database, _index(deps.database).settings())
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
    return in_order(candidates)[:MAX_DEPTH]


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
    rows = by_id(session, codes, [each.id for each in page], deps.clock.now())
    # An import may have removed one a moment ago.
    still = [each for each in page if each.id in rows]
    return [replace(rows[each.id], distance_km=each.distance_km) for each in still]


__all__ = ["MAX_DEPTH", "Found", "search"]
