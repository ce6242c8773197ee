"""Where things are: the square of the earth that a place lies in, and the place of a postal code.

Owns the squares of half a degree by which a search reads only what is near, and the centres of ZIP codes (the package
`zipcodes`; no service is asked). Refuses to guess: a postal code that nobody knows has no place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

import zipcodes

NOWHERE = 0
"""The cell of an entry without a place. No place has it."""

_ROWS, _COLUMNS = 360, 720
_ZIP = re.compile(r"\d{5}", re.ASCII)


def cell(lat: float, lon: float) -> int:
    """The square of half a degree that a place lies in, from 1 to 259200; `lat`, `lon` in degrees.

    Squares are numbered from the south pole up and from the antimeridian eastward, which is on both ends of a row.
    """
    row = min(max(math.floor((lat + 90) * 2), 0), _ROWS - 1)
    column = math.floor((lon + 180) * 2) % _COLUMNS
    return row * _COLUMNS + column + 1


@lru_cache(maxsize=65536)
def where(postal_code: str) -> tuple[float, float] | None:
    """The centre of a ZIP code, (latitude, longitude) in degrees; of a ZIP+4, that of its first five digits.

    None for a code that is not in the list, or has no place there.
    """
    first = postal_code.strip()[:5]
    if not _ZIP.fullmatch(first):
        return None
    known = zipcodes.matching(first)  # type: ignore[no-untyped-call]
    return next(filter(None, map(middle, known)), None)


def middle(known: Mapping[str, str]) -> tuple[float, float] | None:
    """The centre of an entry of the list, None for one that stands there without a place, or with 0, 0."""
    lat, lon = float(known["lat"] or 0), float(known["long"] or 0)
    return (lat, lon) if lat or lon else None
