"""A clinician's question as plain SQL: the same filter by the same indexes, any twenty that match, in no order.

Owns that statement: what any answer to the question costs at least. Refuses to rank, to look again for typing errors,
and to read anything of an entry but its row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import text

from services.chassis.db import Database
from services.directory.finding.listing_criteria import Criteria
from services.directory.finding.listing_questions import Wanted, understand
from services.directory.rules.specialties import CodeList
from services.directory.rules.towns import KM_A_DEGREE, cells_within

_CODES = CodeList.of()
_DEFAULT_KM = 40.0
_SETTINGS = text(
    "SELECT set_config('random_page_cost', '1.1', true), set_config('jit', 'off', true), "
    "set_config('pg_trgm.word_similarity_threshold', '0.5', true)"
)


def timed(database: Database, wanted: Wanted, page: int, *, typo: bool) -> float:
    """Milliseconds of the plain statement for a question; with `typo` names are found by their trigrams."""
    criteria, _ = understand(wanted, None, _CODES)
    values: dict[str, object] = {"page": page}
    conditions = " AND ".join(_conditions(criteria, values, typo=typo))
    statement = text(f"SELECT * FROM listing WHERE shown AND {conditions} LIMIT :page")  # noqa: S608 - of the bench alone
    with database.transaction() as session:
        session.execute(_SETTINGS)
        began = time.perf_counter()
        session.execute(statement, values).all()
        return 1000 * (time.perf_counter() - began)


def _conditions(criteria: Criteria, values: dict[str, object], *, typo: bool) -> Iterator[str]:
    words = {"words": criteria.asked.name + criteria.asked.either, "organization_words": criteria.asked.organization}
    for column, asked in words.items():
        if asked and typo:
            yield from _resembling(column, asked, values)
        elif asked:
            values[column] = list(asked)
            yield f"string_to_array(btrim({column}), ' ') @> CAST(:{column} AS text[])"
    if criteria.near:
        km = criteria.km or _DEFAULT_KM
        values["cells"] = list(cells_within(criteria.near.lat, criteria.near.lon, km))
        values |= {"lat": criteria.near.lat, "lon": criteria.near.lon, "degrees": km / KM_A_DEGREE}
        yield "cell = ANY(:cells) AND abs(lat - :lat) <= :degrees AND abs(lon - :lon) <= :degrees / cos(radians(:lat))"
    squares = " AND cell = ANY(:cells)" if criteria.near else ""
    for at, tags in enumerate(criteria.tags):
        values[f"tags_{at}"] = sorted(tags)
        yield f"id IN (SELECT listing_id FROM listing_tag WHERE tag = ANY(:tags_{at}){squares})"  # noqa: S608 - of the bench alone


def _resembling(column: str, asked: tuple[str, ...], values: dict[str, object]) -> Iterator[str]:
    for at, word in enumerate(asked):
        values[f"{column}_{at}"] = word
        yield f":{column}_{at} <% {column}"
