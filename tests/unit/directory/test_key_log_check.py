"""What the doctor sees of a key log: whatever is changed behind its back, a silent worker, a silent witness."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from services import local
from services.chassis import migrate
from services.chassis.config import Settings
from services.chassis.db import Database
from services.commands.checks.key_log import KeyLogChecks
from services.directory import app, checkpoints, key_log_check
from services.directory.deps import Deps
from services.directory.log_keeper import Keeper
from tests.unit.directory.grown_log import grown
from tests.unit.directory.house import House
from tests.unit.directory.witness import FakeWitness

EDITS = {
    "a subtree": ["UPDATE key_node SET hash = zeroblob(32) WHERE level = 1 AND place = 1"],
    "a subtree deleted": ["DELETE FROM key_node WHERE level = 2"],
    "the end not counted": ["UPDATE key_log SET size = 6, peaks = substr(peaks, 1, 64)"],
    "the whole log gone": ["DELETE FROM key_log"],
    "the summary": ["UPDATE key_log SET peaks = zeroblob(96)"],
    "a leaf": ["DROP TRIGGER key_leaf_no_update", "UPDATE key_leaf SET data = zeroblob(9) WHERE place = 2"],
    "a leaf deleted": ["DROP TRIGGER key_leaf_no_delete", "DELETE FROM key_leaf WHERE place = 2"],
    "a checkpoint": [
        "UPDATE key_checkpoint SET note = (SELECT note FROM key_checkpoint WHERE size = 7) WHERE size = 3"
    ],
    "a checkpoint that is none": ["UPDATE key_checkpoint SET note = '' WHERE size = 3"],
}


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_a_log_that_nobody_touched_is_found_whole(house: House, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(key_log_check, "PAGE", page)
    assert key_log_check.check(house.database) == []
    grown(house, 7)
    assert key_log_check.check(house.database) == []


@pytest.mark.parametrize("edit", EDITS)
def test_whatever_is_changed_in_the_database_is_found(house: House, monkeypatch: pytest.MonkeyPatch, edit: str) -> None:
    monkeypatch.setattr(key_log_check, "PAGE", 3)
    grown(house, 7)
    with house.database.transaction() as session:
        for statement in EDITS[edit]:
            session.execute(text(statement))
    assert key_log_check.check(house.database)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of an embedded directory, whose database is there."""
    found = local.settings_in(tmp_path, port=1)["directory"]
    migrate.upgrade(Database(found.database_url), "directory")
    return found


def deps_of(settings: Settings) -> Deps:
    return app.build(settings)


def wrong(settings: Settings) -> dict[str, str]:
    """The checks that are not well, and what they say to do."""
    checks = KeyLogChecks(settings)
    findings = [each for check in (checks.tree, checks.speaks, checks.witnesses) for each in check()]
    return {each.check: each.mend for each in findings if not each.ok}


def test_a_log_whose_worker_has_never_run_is_told(settings: Settings) -> None:
    assert list(wrong(settings)) == ["checkpoint"]
    Keeper(deps_of(settings)).keep()
    assert wrong(settings) == {}


def test_a_checkpoint_that_is_not_renewed_and_another_key_are_told(settings: Settings) -> None:
    Keeper(deps_of(settings)).keep()
    with Database(settings.database_url).transaction() as session:
        session.execute(text("UPDATE key_checkpoint SET signed_at = '2026-01-01 00:00:00.000000'"))
    assert list(wrong(settings)) == ["checkpoint"]
    assert settings.log_key_file is not None
    settings.log_key_file.unlink()
    other = local.settings_in(Path(str(settings.database_url).removeprefix("sqlite:///")).parent)["directory"]
    assert sorted(wrong(other)) == ["checkpoint", "key of the log"]


def test_a_witness_is_told_by_what_is_the_matter_with_it(settings: Settings) -> None:
    key = checkpoints.key_from(settings).verifier
    witness = FakeWitness(key)
    named = settings.model_copy(update={"witnesses": witness.setting})
    Keeper(deps_of(settings)).keep()
    assert list(wrong(named)) == ["witness witness.test/w"]

    keeper = Keeper(deps_of(named), witness)
    keeper.keep()
    assert wrong(named) == {}
    with Database(settings.database_url).transaction() as session:  # it has held the line since
        session.execute(text("UPDATE key_witness SET cosigned_at = '2026-01-01 00:00:00.000000'"))
    assert "does the witness answer?" in wrong(named)["witness witness.test/w"]
    witness.answer = lambda _: httpx.Response(409, text="77")
    Keeper(deps_of(named), witness).keep()
    assert "a restore has lost entries" in wrong(named)["witness witness.test/w"]
