"""A key log for tests: let it grow, and read it.

Owns the ways of many tests to one log. Refuses accounts: where it only has to be long, nobody is in it.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from concord_formats.key_log import BindingKind
from concord_formats.notes import Checkpoint
from sqlalchemy import select

from services.directory import key_log, models
from tests.unit.directory.house import House


def checkpoint(house: House, client: Any = None) -> Checkpoint:
    """What the log says, its signature verified."""
    answer = (client or house.client).get("/log/checkpoint")
    assert answer.status_code == 200, answer.data
    said = house.log_key.checkpoint(answer.get_data(as_text=True))
    assert said is not None
    return said


def leaves(house: House) -> list[bytes]:
    """The data of every leaf."""
    with house.database.transaction() as session:
        return list(session.scalars(select(models.KeyLeafRow.data).order_by(models.KeyLeafRow.place)))


def grown(house: House, count: int) -> None:
    """A log of so many leaves more, of an account that changes its keys all the time."""
    account = uuid4()
    with house.database.transaction() as session:
        for n in range(2, count + 2):
            key_log.record(
                house.deps,
                session,
                account=account,
                n=n,
                kind=BindingKind.KEYS_CHANGED,
                entry_digest=f"{n:064x}",
                at=house.clock.now(),
            )
