"""A line of the NPPES file, taken apart: its columns, its NPI and its dates.

Owns where each column stands, which is found by its name (NPPES Data Dissemination, Exhibit 2-1; versions 1 and 2
differ in lengths alone), and what makes a line unusable. Refuses to carry on with a line that it cannot read whole, and
to say more of it than its NPI and what is wrong.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter

from ..rules.people import is_npi
from .nppes_records import LONGEST, NEEDED, SPECIALTIES, Deactivated, Record, RowError, record_of

# Files from before 2020 have no such column.
CERTIFIED = "Certification Date"


class HeaderError(ValueError):
    """The first line names too few columns: `missing` are those that are needed."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"{len(missing)} columns are missing, the first: {missing[0]}")
        self.missing = missing


@dataclass(frozen=True)
class Columns:
    """Where in a line each thing stands."""

    count: int
    _fields: Callable[[list[str]], tuple[str, ...]]
    _codes: Callable[[list[str]], tuple[str, ...]]
    _certified: int | None

    @classmethod
    def of(cls, header: bytes) -> Columns:
        """From the first line of a file. Raises `HeaderError`, `RowError` where it cannot be read."""
        names = [name.strip() for name in _values(header.removeprefix(b"\xef\xbb\xbf"))]
        if missing := [name for name in (*NEEDED.values(), *SPECIALTIES) if name not in names]:
            raise HeaderError(missing)
        places = {name: place for place, name in enumerate(names)}
        fields = itemgetter(*(places[name] for name in NEEDED.values()))
        codes = itemgetter(*(places[name] for name in SPECIALTIES))
        return cls(len(names), fields, codes, places.get(CERTIFIED))

    def read(self, line: bytes, today: date) -> Record | Deactivated:
        """What a line says; no date in it is later than the day after `today`. Raises `RowError`."""
        try:
            return self._read(line, today)
        except RowError as error:
            raise RowError(str(error), _npi_of(line)) from None

    def _read(self, line: bytes, today: date) -> Record | Deactivated:
        values = _values(line)
        if len(values) != self.count:
            raise RowError(f"has {len(values)} columns instead of {self.count}")
        found = zip(NEEDED, self._fields(values), strict=True)
        said = {key: " ".join(value.split()) if value else "" for key, value in found}
        certified = values[self._certified] if self._certified is not None else ""
        _check(said)
        dates = {key: _date(NEEDED[key], said[key], today) for key in ("deactivated", "reactivated", "updated")}
        if _is_gone(dates["deactivated"], dates["reactivated"]):
            return Deactivated(said["npi"])
        dates["enumerated"] = _date(NEEDED["enumerated"], said["enumerated"], today)
        dates["certified"] = _date(CERTIFIED, certified.strip(), today)
        return record_of(said, self._codes(values), _latest(dates.values()))


def _values(line: bytes) -> list[str]:
    """The columns of one line: what looks like the beginning of a longer record is an error, never the next line's."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise RowError("is not UTF-8") from None
    try:
        return next(csv.reader([text.rstrip("\r\n")], strict=True), [])
    except csv.Error:
        raise RowError("has a broken quote") from None


_FIRST = re.compile(rb'\s*"?(\d{10})"?,')


def _npi_of(line: bytes) -> str | None:
    """The NPI at the beginning of a line that is broken elsewhere."""
    found = _FIRST.match(line)
    npi = found[1].decode("ascii") if found else ""
    return npi if is_npi(npi) else None


def _check(said: dict[str, str]) -> None:
    for key, value in said.items():
        if not value:
            continue
        if not value.isprintable():
            raise RowError(f"{NEEDED[key]}: has a character that cannot be shown")
        if len(value) > LONGEST.get(key, LONGEST["name"]):
            raise RowError(f"{NEEDED[key]}: longer than {LONGEST.get(key, LONGEST['name'])} characters")
    if not is_npi(said["npi"]):
        raise RowError("NPI: not ten digits with the right check digit")


_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})", re.ASCII)


def _date(column: str, text: str, today: date) -> date | None:
    """A date MM/DD/YYYY, None where nothing stands. A day of the morrow is one of another time zone."""
    if not text:
        return None
    found = _DATE.fullmatch(text)
    try:
        read = date(int(found[3]), int(found[1]), int(found[2])) if found else None
    except ValueError:
        read = None
    if read is None:
        raise RowError(f"{column}: not a date MM/DD/YYYY")
    if read > today + timedelta(days=1):
        raise RowError(f"{column}: in the future")
    return read


def _is_gone(deactivated: date | None, reactivated: date | None) -> bool:
    return deactivated is not None and (reactivated is None or reactivated < deactivated)


def _latest(dates: Iterable[date | None]) -> datetime | None:
    """The last day on which anything was said of a record, as the moment in UTC with which it begins."""
    last = max((each for each in dates if each), default=None)
    return datetime(last.year, last.month, last.day, tzinfo=UTC) if last else None
