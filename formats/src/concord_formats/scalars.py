"""The scalars of Concord's signed lines: ids, moments, versions, digests.

Owns one text for one value: an id, a moment or a number that could be written in two ways could be read in two ways.
Refuses what a lenient reader would guess at (`1.0` or `true` for 1, a count of seconds for a moment, an id in braces).
Specified in `spec/letter.md`, "Scalars".
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
# A year at either end of the calendar cannot be brought to UTC; outside of these nobody sealed a letter.
_YEARS = range(2000, 3000)


def _check_id(value: object) -> object:
    if not isinstance(value, UUID) and not (isinstance(value, str) and _ID.fullmatch(value)):
        raise ValueError("must be a UUID in lower case with hyphens (RFC 9562, section 4)")
    return value


def _check_moment(value: object) -> object:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _MOMENT.fullmatch(value)):
        raise ValueError("must be a date and time with seconds and an offset (RFC 3339)")
    return value


def _check_year(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError("must lie between the years 2000 and 2999")
    return value


def _check_one(value: object) -> object:
    if type(value) is not int:
        raise ValueError("must be the number 1")
    return value


Id = Annotated[UUID, BeforeValidator(_check_id)]
Moment = Annotated[AwareDatetime, BeforeValidator(_check_moment), AfterValidator(_check_year)]
FormatVersion = Annotated[Literal[1], BeforeValidator(_check_one)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

__all__ = ["FormatVersion", "Id", "Moment", "Sha256"]
