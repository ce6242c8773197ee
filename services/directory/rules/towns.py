"""Towns and ZIP codes as people write them, and how far it is from there.

Owns how a place is read, from the package `zipcodes`, and distances. Refuses to choose: of a town that several states
have, the asker says which.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import zipcodes
from concord_formats.names import searchable

from .places import cell, middle

EARTH_KM = 6371.0088  # mean radius, IUGG
KM_A_DEGREE = math.pi * EARTH_KM / 180
_ZIP = re.compile(r"\s*(\d{5})(?:-\d{4})?\s*", re.ASCII)
_SPELLED = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount"}
STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota",
    "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
    "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont",
    "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "PR": "Puerto Rico", "VI": "Virgin Islands", "GU": "Guam", "AS": "American Samoa",
    "MP": "Northern Mariana Islands",
}  # fmt: skip
_STATE_OF = {searchable(said): code for code, name in STATES.items() for said in (code, name)}


@dataclass(frozen=True)
class Place:
    """A town or a ZIP code as it was understood, and its middle in degrees."""

    name: str
    lat: float
    lon: float


class UnknownPlaceError(ValueError):
    """No town and no ZIP code of the United States is called that."""


class AmbiguousTownError(ValueError):
    """Several states have a town of that name: `states` are their codes."""

    def __init__(self, town: str, states: tuple[str, ...]) -> None:
        super().__init__(town)
        self.states = states


def place(text: str) -> Place:
    """The place that `text` names: `Springfield, MA`, `Springfield Massachusetts`, `01103`.

    Raises `UnknownPlaceError`, `AmbiguousTownError`.
    """
    if found := _ZIP.fullmatch(text):
        return _of_zip(found[1])
    words = searchable(text).split()
    for at in range(len(words) - 1, max(0, len(words) - 4), -1):
        state = _STATE_OF.get(" ".join(words[at:]))
        if state and (known := _towns().get(_spelled(words[:at]), {}).get(state)):
            return known
    return _only(words)


def _only(words: list[str]) -> Place:
    known = _towns().get(_spelled(words))
    if not known:
        raise UnknownPlaceError(" ".join(words))
    if len(known) > 1:
        raise AmbiguousTownError(" ".join(words), tuple(sorted(known)))
    return next(iter(known.values()))


def _spelled(words: list[str]) -> str:
    """A town's name with its abbreviations written out."""
    return " ".join(_SPELLED.get(word, word) for word in words)


def _of_zip(code: str) -> Place:
    for known in zipcodes.matching(code):  # type: ignore[no-untyped-call]
        if at := middle(known):
            return Place(f"{known['city']}, {known['state']} {code}", *at)
    raise UnknownPlaceError(code)


@lru_cache(maxsize=1)
def _towns() -> dict[str, dict[str, Place]]:
    """Every town by its name as it is searched, and in each its states. It takes a second, once a process."""
    seen: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    called: dict[tuple[str, str], str] = {}
    for known in zipcodes.list_all():  # type: ignore[no-untyped-call]
        if not (at := middle(known)):
            continue
        # A town's own name comes before one that the post only accepts for it.
        for name in (known["city"], *known["acceptable_cities"]):
            key = (_spelled(searchable(name).split()), known["state"])
            seen[key].append(at)
            called.setdefault(key, name)
    towns: dict[str, dict[str, Place]] = defaultdict(dict)
    for (words, state), middles in seen.items():
        lat, lon = (sum(each) / len(middles) for each in zip(*middles, strict=True))
        towns[words][state] = Place(f"{called[words, state]}, {state}", round(lat, 4), round(lon, 4))
    return dict(towns)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The way along the earth between two places in degrees, by the haversine formula; at most half a percent off."""
    (lat, lon), (lat_, lon_) = [map(math.radians, each) for each in (one, other)]
    half = math.sin((lat_ - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat_) * math.sin((lon_ - lon) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


def cells_within(lat: float, lon: float, km: float) -> tuple[int, ...]:
    """The squares of half a degree (`places.cell`) that a circle of `km` touches, and perhaps some more."""
    found = {cell(each, other) for each, other in _raster(lat, lon, km)}
    return tuple(sorted(found))


def _raster(lat: float, lon: float, km: float) -> Iterator[tuple[float, float]]:
    """Points no further than half a degree apart that cover the box around a circle."""
    high = min(km / KM_A_DEGREE, 180)
    south, north = max(lat - high, -90), min(lat + high, 90)
    # Meridians are nearest to one another at the end of the box that is nearer to a pole.
    narrow = math.cos(math.radians(min(max(abs(south), abs(north)), 89)))
    wide = min(high / narrow, 180)
    for each in _steps(south, north):
        for other in _steps(lon - wide, lon + wide):
            yield each, other


def _steps(start: float, end: float) -> Iterator[float]:
    at = start
    while at < end:
        yield at
        at += 0.5
    yield end


__all__ = [
    "KM_A_DEGREE",
    "STATES",
    "AmbiguousTownError",
    "Place",
    "UnknownPlaceError",
    "cells_within",
    "distance_km",
    "place",
]
