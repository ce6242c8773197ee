"""Who is signed in, and what their request works with; for every module of addresses.

Owns these two look-ups and the cursor of a list by age. Refuses requests that are not signed in: the blueprint has
turned those away before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from flask import current_app

from services.chassis.auth import caller
from services.chassis.pages import decode_cursor
from services.chassis.problems import invalid_field

from .deps import Collaborators
from .rules.standing import Member

EXTENSION = "concord.consent"


def collaborators() -> Collaborators:
    """What the use cases of this app are handed."""
    return cast(Collaborators, current_app.extensions[EXTENSION])


def member() -> Member:
    """Who makes the current request."""
    return Member(caller().practitioner, caller().organization)


def after_age(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The (created at, id) that a cursor stands for. Raises problem 422 for a cursor that is none."""
    if cursor is None:
        return None
    at, identifier = decode_cursor(cursor, [str, str])
    try:
        return datetime.fromisoformat(str(at)).astimezone(UTC), UUID(str(identifier))
    except (ValueError, OverflowError):
        raise invalid_field("cursor", "use the `next` of the page before, unchanged") from None
