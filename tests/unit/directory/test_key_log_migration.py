"""A directory that is older than its key log: every entry that was there gets its leaf, once, in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from concord_formats import merkle
from concord_formats.key_log import read_binding
from sqlalchemy import insert, select

from services.chassis import migrate
from services.chassis.db import Database
from services.directory import key_log, models
from services.directory.key_tree import TREE
from tests.unit.directory.account import Account, TestDevice
from tests.unit.directory.grown_log import checkpoint, leaves
from tests.unit.directory.house import House

BEFORE = "0005"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Database:
    """An empty database, of either kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql")  # type: ignore[no-any-return]
    return Database(f"sqlite:///{tmp_path}/directory.db")


def migrated(database: Database, monkeypatch: pytest.MonkeyPatch, revision: str) -> None:
    with monkeypatch.context() as patched:
        real = command.upgrade
        patched.setattr(migrate.command, "upgrade", lambda config, _: real(config, revision))
        migrate.upgrade(database, "directory")


def enrolled(database: Database, house: House, name: str) -> Account:
    """An account as the version before wrote it."""
    account, place = Account(uuid4()), uuid4()
    now = house.clock.now()
    with database.transaction() as session:
        session.execute(insert(models.Organization).values(id=place, name="North", folded="north", created_at=now))
        row = {"id": account.id, "organization_id": place, "role": "practitioner", "name": name, "folded": name}
        row |= {"npi": "1234567893" if "é" in name else None, "status": "active", "created_at": now}
        session.execute(insert(models.Practitioner).values(row))
    return account


def recorded(database: Database, account: Account, entry: Any, at: Any) -> None:
    with database.transaction() as session:
        row = {"practitioner_id": account.id, "n": len(account.entries), "entry": entry.entry}
        session.execute(insert(models.KeyEntryRow).values(row | {"signature": entry.signature, "recorded_at": at}))


def test_every_entry_gets_its_leaf_in_the_order_in_which_it_was_recorded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated(database, monkeypatch, BEFORE)
    house = House(database)
    start = house.clock.now()
    zoe, ada = enrolled(database, house, "Zoé “Quote”"), enrolled(database, house, "Ada")
    told: list[tuple[Account, Any, int]] = [
        (zoe, zoe.first_entry(TestDevice()), 0),
        (ada, ada.first_entry(TestDevice()), 1),
        (zoe, zoe.rotating(), 2),
        (ada, ada.rotating(), 5),
        (zoe, zoe.rotating(), 1),  # the clock was set back
    ]
    counted: dict[UUID, list[Any]] = {zoe.id: [], ada.id: []}
    for account, entry, minutes in told:
        counted[account.id].append(entry)
        partial = Account(account.id, account.identity, counted[account.id])
        recorded(database, partial, entry, start + timedelta(minutes=minutes, microseconds=7))
    began = datetime.now(UTC)
    migrated(database, monkeypatch, "head")
    found = [read_binding(data) for data in leaves(house)]
    assert [(each.account, each.n) for each in found] == [
        (zoe.id, 1),
        (ada.id, 1),
        (zoe.id, 2),
        (zoe.id, 3),
        (ada.id, 2),
    ]
    assert [each.entry for each in found if each.account == zoe.id] == [each.digest for each in zoe.entries]
    assert len({each.at for each in found}) == 1, "all of them when the log began"
    assert found[0].at >= began
    assert (found[0].name, found[0].npi, found[1].name, found[1].npi) == ("Zoé “Quote”", "1234567893", "Ada", None)
    assert [each.encode() for each in found] == leaves(house), "as this version would write them"
    hashes = list(map(merkle.leaf_hash, leaves(house)))
    assert checkpoint(house).root == merkle.root(hashes)
    with database.transaction() as session:
        assert TREE.inclusion(session, [3], 5)[3] == merkle.inclusion_path(hashes, 3)
    assert key_log.log_late(house.deps) == 0
    assert key_log.places(house.deps, zoe.id, 3) == [0, 2, 3]
    house.administrator()
    assert checkpoint(house).size == 6


def test_more_entries_than_go_into_one_statement_make_the_same_tree(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated(database, monkeypatch, BEFORE)
    house = House(database)
    account, at = enrolled(database, house, "Ada"), house.clock.now()
    row = {"practitioner_id": account.id, "entry": b'{"kind":"keys-changed"}', "signature": b"", "recorded_at": at}
    with database.transaction() as session:
        session.execute(insert(models.KeyEntryRow), [row | {"n": n} for n in range(2, 1103)])
    migrated(database, monkeypatch, "head")
    found = leaves(house)
    assert [read_binding(data).n for data in found] == list(range(2, 1103))
    with database.transaction() as session:
        nodes = session.execute(select(models.KeyNodeRow.level, models.KeyNodeRow.place, models.KeyNodeRow.hash)).all()
    new, _ = merkle.grow((), map(merkle.leaf_hash, found))
    assert {tuple(row) for row in nodes} == {(each.level, each.index, each.hash) for each in new if each.level}
    assert checkpoint(house).root == merkle.root(list(map(merkle.leaf_hash, found)))


def test_a_directory_that_is_empty_has_an_empty_log(database: Database) -> None:
    migrate.upgrade(database, "directory")
    house = House(database)
    assert (checkpoint(house).size, checkpoint(house).root) == (0, merkle.EMPTY_ROOT)
