"""Days on the command line: when one begins, and when it is over.

Owns what a day means: that of this machine's own clock. Refuses times of day.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated

import typer

FORMATS = ["%Y-%m-%d"]
Until = Annotated[datetime, typer.Option(formats=FORMATS, help="The last day.")]
Since = Annotated[
    datetime | None, typer.Option("--from", formats=FORMATS, help="The first day [default: now].", show_default=False)
]


def start_of(day: date) -> datetime:
    """The midnight with which a day begins."""
    try:
        return datetime.combine(day, datetime.min.time()).astimezone()
    except (OverflowError, ValueError, OSError):  # the first day of the calendar, west of Greenwich
        raise typer.BadParameter(f"{day} is no day to name here") from None


def end_of(day: date) -> datetime:
    """Midnight after the last day, on the speaker's own clock: who says a day means theirs."""
    if day == date.max:
        raise typer.BadParameter(f"{day} is no day to name here")
    return start_of(day + timedelta(days=1))


def shown(moment: datetime) -> str:
    """A moment as this machine's clock has it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def shown_end(moment: datetime) -> str:
    """When something is over, as it was said: who typed a last day reads that day, and not the midnight after it."""
    here = moment.astimezone()
    if here.time() == time():
        return f"the end of {here - timedelta(days=1):%Y-%m-%d}"
    return shown(moment)


__all__ = ["FORMATS", "Since", "Until", "end_of", "shown", "shown_end", "start_of"]
