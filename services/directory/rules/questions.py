"""A clinician's question as it is typed, and what it means: who, of what specialty, where.

Owns how free text is read. Refuses to guess where a reading fails: what is no number, no place and no specialty is a
name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from concord_formats.names import searchable

from .people import is_npi
from .specialties import CodeList
from .towns import AmbiguousTownError, Place, UnknownPlaceError, place

# An NPI as people write it: 1245319599, or with spaces or dashes between its digits.
_NUMBER = re.compile(r"(?<!\d)(?:\d[ -]?){9}\d(?!\d)", re.ASCII)
# Said of a place; what comes after `in` or `at` need not be one.
_NEAR = re.compile(
    r"\b(near|around|close to|in|at|within (\d{1,4}) ?(miles|mile|mi|kilometers|km) (?:of|from))\s+(.+)$", re.IGNORECASE
)
KM_A_MILE = 1.609344
_ZIP_AT_END = re.compile(r"(?:^|[\s,])(\d{5}(?:-\d{4})?)\s*$", re.ASCII)
# `psychologist, Springfield, MA`
_TOWN_AT_END = re.compile(r"(?:^|,)\s*([^,]+,\s*[A-Za-z][A-Za-z ]*?)\s*$")
_MAY_BE_NO_PLACE = ("in", "at")
# Of a question these say nothing about whom is looked for.
_TITLES = {"dr", "doctor", "mr", "mrs", "ms", "md", "phd", "psyd", "npi", "number"}
_SMALL = {"find", "a", "any", "some", "the", "who", "which", "for", "of", "and", "or", "near", "clinician", "provider"}
_FILLERS = frozenset(_TITLES | _SMALL)
# These are names too: beside a specialty they say nothing.
_FILLERS_OF_SPECIALTIES = frozenset(("an", "do", "specialist", "specialists"))


class NpiError(ValueError):
    """Ten digits whose check digit is wrong."""


@dataclass(frozen=True)
class Reading:
    """What a question means. `words` are those of a name, of a person or an organization, as they are searched."""

    npi: str | None = None
    words: tuple[str, ...] = ()
    specialties: frozenset[str] = frozenset()
    near: Place | None = None
    within_km: float | None = None


def read(text: str, codes: CodeList) -> Reading:
    """What a question means.

    Raises `NpiError`, and `UnknownPlaceError` or `AmbiguousTownError` for what is said to be near.
    """
    rest, npi = _npi(text)
    rest, near, km = _place(rest)
    words = [word for word in searchable(rest).split() if word not in _FILLERS]
    run = codes.run(words)
    if run is None:
        return Reading(npi, tuple(words), near=near, within_km=km)
    rest_of_them = [word for word in words[: run.start] + words[run.end :] if word not in _FILLERS_OF_SPECIALTIES]
    return Reading(npi, tuple(rest_of_them), run.codes, near, km)


def _npi(text: str) -> tuple[str, str | None]:
    """A text without its NPI, and that."""
    if not (found := _NUMBER.search(text)):
        return text, None
    npi = re.sub(r"\D", "", found[0])
    if not is_npi(npi):
        raise NpiError(npi)
    return text[: found.start()] + " " + text[found.end() :], npi


def _place(text: str) -> tuple[str, Place | None, float | None]:
    """A text without its place, that, and the kilometres around it."""
    if said := _NEAR.search(text):
        try:
            return text[: said.start()], place(said[4]), _km(said)
        except (UnknownPlaceError, AmbiguousTownError):
            if said[1].lower() not in _MAY_BE_NO_PLACE:
                raise
    for at_end in (_ZIP_AT_END, _TOWN_AT_END):
        if said := at_end.search(text):
            try:
                return text[: said.start()], place(said[1]), None
            except (UnknownPlaceError, AmbiguousTownError):
                continue
    return text, None, None


def _km(said: re.Match[str]) -> float | None:
    if said[2] is None or int(said[2]) == 0:
        return None
    return int(said[2]) * (KM_A_MILE if said[3].lower().startswith("mi") else 1.0)


__all__ = ["NpiError", "Reading", "read"]
