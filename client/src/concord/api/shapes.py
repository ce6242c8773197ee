"""What the answers of the services have in common: how they are read, and how lists go on.

Owns the reading of an answer. Refuses to fail on members that a newer server added: an older client ignores what it
does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from ..errors import ServiceError

Item = TypeVar("Item", bound="Answer")


class Answer(BaseModel):
    """One object in an answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@contextmanager
def readable() -> Iterator[None]:
    """What cannot be read of an answer in this block is told as a `ServiceError`."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ServiceError.unreadable() from None


def paged(
    fetch: Callable[[dict[str, str]], Any], member: str, item: type[Item], query: dict[str, str]
) -> Iterator[Item]:
    """Every item of a list, page after page. `fetch` takes the query; a page holds `member` and perhaps `next`.

    Raises `ServiceError`, also for a list that does not go on.
    """
    cursor: str | None = None
    while True:
        page = fetch(query | ({"cursor": cursor} if cursor else {}))
        with readable():
            found, following = [item.model_validate(each) for each in page[member]], page.get("next")
        if following is not None and (not isinstance(following, str) or following == cursor):
            raise ServiceError.unreadable()
        yield from found
        cursor = following
        if not cursor:
            return
