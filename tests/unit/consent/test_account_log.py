"""The stored tree: its roots and proofs are those of the leaves, and it finds what was changed behind its back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from concord_formats import merkle
from concord_formats.notes import Checkpoint
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event as sql_events
from sqlalchemy import insert, select, text
from typer.testing import CliRunner

from services import local
from services.__main__ import app as server
from services.chassis import migrate
from services.chassis.db import Database, create_all
from services.consent import account, account_check, account_log
from services.consent.account_export import Log
from services.consent.account_key import AccountKey
from services.consent.models import AccountLeafRow, AccountLogRow, AccountNodeRow, Base
from tests.unit.consent.examples import PATIENT
from tests.unit.consent.ledger import OTHER, line, tell
from tests.unit.consent.world import World

KEY = AccountKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def grown(database: Database, size: int) -> list[bytes]:
    """A log of so many leaves; their hashes."""
    data = [bytes([place % 251]) * 32 for place in range(size)]
    with database.transaction() as session:
        log = account_log.lock(session)
        for place, each in enumerate(data):
            assert account_log.append(session, log, PATIENT, place + 1, each).place == place
    return [merkle.leaf_hash(each) for each in data]


def test_every_root_and_proof_is_that_of_the_leaves(database: Database) -> None:
    create_all(database, Base)
    leaves = grown(database, 21)
    with database.transaction() as session:
        for size in range(22):
            assert account_log.root(session, size) == merkle.root(leaves[:size])
            proofs = account_log.inclusion(session, range(size), size)
            assert proofs == {index: merkle.inclusion_path(leaves[:size], index) for index in range(size)}
            assert account_log.consistency(session, size, 21) == merkle.consistency_path(leaves, size)


def test_a_proof_in_a_log_of_a_million_reads_few_rows(sqlite_database: Database) -> None:
    """The nodes of one path alone are stored here: nothing else may be needed."""
    create_all(sqlite_database, Base)
    size, index = 10**6, 654_321
    ranges = [*merkle.inclusion_ranges(index, size), (0, size), *merkle.consistency_ranges(77_777, size)]
    needed = {place for each in ranges for place in merkle.places(*each)}
    assert len(needed) < 80
    with sqlite_database.transaction() as session:
        nodes = [{"level": level, "place": place, "hash": bytes(32)} for level, place in needed if level]
        session.execute(insert(AccountNodeRow), nodes)
        for place in {place for level, place in needed if level == 0}:
            session.add(AccountLeafRow(place=place, patient=PATIENT, n=place + 1, data=bytes(32)))
    queries: list[str] = []
    sql_events.listen(sqlite_database.engine, "before_cursor_execute", lambda *each: queries.append(each[2]))
    with sqlite_database.transaction() as session:
        assert len(account_log.inclusion(session, [index], size)[index]) == 20
        account_log.root(session, size)
        account_log.consistency(session, 77_777, size)
    assert len(queries) < 70  # at most one a level and question, and the transaction's own


def story(world: World) -> None:
    """Seven lines of two patients, and checkpoints given out on the way."""
    log = Log(world.database, world.clock, KEY)
    tell(world, [line(1), line(2), line(1, patient=OTHER)])
    log.checkpoint()
    tell(world, [line(3, reason="restricted"), line(2, patient=OTHER), line(4), line(5)])
    log.checkpoint()


def findings(world: World) -> list[str]:
    return [f"{each.what}: {each.where}" for each in account_check.check(world.database, KEY).findings]


def do(world: World, *statements: str) -> None:
    with world.database.transaction() as session:
        if not world.database.is_postgresql:
            session.execute(text("PRAGMA defer_foreign_keys=ON"))
        for statement in statements:
            session.execute(text(statement))


def test_an_account_that_nobody_touched_is_found_whole(world: World) -> None:
    story(world)
    with world.database.transaction() as session:
        account.erase(session, PATIENT, 2, world.clock.now())
        leaves = [merkle.leaf_hash(each) for each in session.scalars(select(AccountLeafRow.data))]
    report = account_check.check(world.database, KEY)
    assert (report.findings, report.size, report.root) == ([], 7, merkle.root(leaves))


def test_an_account_on_postgresql_is_checked_as_well(real_world: World) -> None:
    story(real_world)
    assert findings(real_world) == []
    do(real_world, "UPDATE disclosure SET recipient = sender WHERE n = 2")
    assert len(findings(real_world)) == 2


def test_an_empty_account_is_whole(world: World) -> None:
    assert findings(world) == []
    Log(world.database, world.clock, KEY).checkpoint()
    assert findings(world) == []


EDITS = {
    "a column": ["UPDATE disclosure SET purpose = 'payment' WHERE leaf = 3"],
    "a moment": ["UPDATE disclosure SET at = '2020-01-01 00:00:00.000000' WHERE leaf = 3"],
    "a reason taken away": ["UPDATE disclosure SET reason = NULL WHERE leaf = 3"],
    "the event": [
        "UPDATE disclosure SET body = CAST(replace(CAST(body AS TEXT), 'treatment', 'payment') AS BLOB) WHERE leaf = 3"
    ],
    "the event's type": ["UPDATE disclosure SET body = CAST(body AS TEXT) WHERE leaf = 3"],
    "the event's end": ["UPDATE disclosure SET body = substr(body, 1, 9) WHERE leaf = 3"],
    "the salt": ["UPDATE disclosure SET salt = zeroblob(32) WHERE leaf = 3"],
    "the salt's length": ["UPDATE disclosure SET salt = zeroblob(1) WHERE leaf = 3"],
    "a line deleted": ["DELETE FROM disclosure WHERE leaf = 3"],
    "a line and its leaf deleted": [
        "DELETE FROM disclosure WHERE leaf = 3",
        "DELETE FROM account_leaf WHERE place = 3",
    ],
    "erased, but not gone": ["UPDATE account_leaf SET erased_at = '2026-01-01 00:00:00.000000' WHERE place = 3"],
    "a leaf": ["UPDATE account_leaf SET data = zeroblob(32) WHERE place = 3"],
    "a leaf's owner": ["UPDATE account_leaf SET n = 6 WHERE place = 6"],
    "a subtree": ["UPDATE account_node SET hash = zeroblob(32) WHERE level = 1 AND place = 1"],
    "a subtree deleted": ["DELETE FROM account_node WHERE level = 2"],
    "the end cut off": [
        "DELETE FROM disclosure WHERE leaf = 6",
        "DELETE FROM account_leaf WHERE place = 6",
        "UPDATE account_log SET size = 6, peaks = substr(peaks, 1, 64)",
    ],
    "the end not counted": ["UPDATE account_log SET size = 6, peaks = substr(peaks, 1, 64)"],
    "the whole log gone": ["DELETE FROM account_log"],
    "the summary": ["UPDATE account_log SET peaks = zeroblob(96)"],
    "a checkpoint": ["UPDATE account_checkpoint SET note = replace(note, 'A', 'B') WHERE size = 3"],
    "a checkpoint in another's place": [
        "UPDATE account_checkpoint SET note = (SELECT note FROM account_checkpoint WHERE size = 7) WHERE size = 3"
    ],
}


@pytest.mark.parametrize("edit", EDITS)
def test_whatever_is_changed_in_the_database_is_found(world: World, edit: str) -> None:
    story(world)
    do(world, *EDITS[edit])
    assert findings(world) != []


def test_a_log_that_was_written_anew_is_caught_by_the_checkpoints_it_gave_out(world: World) -> None:
    """Whoever holds the database, but not the key, cannot give them out again."""
    story(world)
    do(world, *(f"DELETE FROM {name}" for name in ("disclosure", "account_leaf", "account_node", "account_log")))  # noqa: S608
    tell(world, [line(n) for n in range(1, 9)])
    assert findings(world) == [f"a checkpoint that was given out is of another log: size {size}" for size in (3, 7)]


def test_a_checkpoint_of_another_key_is_found(world: World) -> None:
    story(world)
    other = AccountKey(Ed25519PrivateKey.generate())
    assert len(account_check.check(world.database, other).findings) == 2


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_the_walk_finds_the_same_in_steps_of_any_length(
    world: World, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(account_check, "PAGE", page)
    story(world)
    assert findings(world) == []
    do(world, *EDITS["a subtree"], *EDITS["a column"])
    assert sorted(findings(world)) == [
        "a line was edited: leaf 3",
        "a subtree is not that of its leaves: level 1, place 1",
    ]


def test_a_checkpoint_is_signed_once_a_size(world: World) -> None:
    story(world)
    log = Log(world.database, world.clock, KEY)
    assert log.checkpoint() == log.checkpoint()
    given = KEY.checkpoint(log.checkpoint())
    with world.database.transaction() as session:
        stored = session.get(AccountLogRow, 1)
        assert stored is not None
        assert given == Checkpoint(KEY.verifier.name, stored.size, account_log.root(session, stored.size))


def test_the_operator_can_look(tmp_path: Path) -> None:
    database = Database(local.settings_in(tmp_path, port=1)["consent"].database_url)
    migrate.upgrade(database, "consent")
    with database.transaction() as session:
        account.record(session, line(1))
    command = ["account-check", "--data", str(tmp_path), "--json"]
    whole = CliRunner().invoke(server, command)
    assert (whole.exit_code, json.loads(whole.stdout)["size"], json.loads(whole.stdout)["findings"]) == (0, 1, [])
    with database.transaction() as session:
        session.execute(text("UPDATE disclosure SET purpose = 'payment'"))
    edited = CliRunner().invoke(server, command)
    assert (edited.exit_code, json.loads(edited.stdout)["findings"]) == (1, ["leaf 0: a line was edited"])
    assert edited.stderr.startswith("error: ")
    database.dispose()


def test_a_log_is_made_once_by_whoever_comes_first(world: World) -> None:
    first: Callable[[Any], AccountLogRow] = account_log.lock
    with world.database.transaction() as session:
        assert first(session).size == 0
        assert account_log.lock(session) is first(session)
