"""The key of the account's log changes, and nobody who has seen the old one is alarmed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from concord.account.verify import verify_bundle
from concord.errors import LogKeyChangedError
from concord_formats.succession import follow
from sqlalchemy import select, text
from typer.testing import CliRunner

from services import __main__ as command_line
from services.chassis import log_key
from services.chassis.problems import Problem
from services.consent import account_check
from services.consent.account_api import _present
from services.consent.account_export import Log
from services.consent.account_key import AccountKey, make_account_key, rotate_account_key
from services.consent.models import AccountAlarmRow, AccountCheckpointRow
from tests.unit.consent.examples import PATIENT, PHYSICIAN
from tests.unit.consent.ledger import line, tell
from tests.unit.consent.world import World


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "account.jwk"
    make_account_key(path)
    return path


def test_a_rotated_key_is_reached_from_every_former_one(file: Path) -> None:
    keys = [AccountKey.read(file)]
    keys += [rotate_account_key(file) for _ in range(3)]
    assert len({key.verifier for key in keys}) == 4
    newest = keys[-1]
    assert all(follow(newest.succession, key.verifier, newest.verifier) for key in keys)
    assert not follow(newest.succession, newest.verifier, keys[0].verifier), "and none leads back"


def test_the_file_stays_readable_by_whom_it_was_and_holds_the_new_key_alone(file: Path) -> None:
    file.chmod(0o640)
    before = json.loads(file.read_text())["d"]
    rotate_account_key(file)
    assert file.stat().st_mode & 0o777 == 0o640
    assert before not in file.read_text(), "a former private key is of no more use to anybody but a thief"
    assert [path.name for path in file.parent.iterdir()] == ["account.jwk"]


def test_what_a_former_key_signed_is_still_known_for_its_own(file: Path, world: World) -> None:
    tell(world, [line(1)])
    before = AccountKey.read(file)
    note = Log(world.database, world.clock, before).checkpoint()
    after = rotate_account_key(file)
    assert after.checkpoint(note) == before.checkpoint(note)
    assert not after.signed(note)
    assert account_check.check(world.database, after).findings == []
    stranger = file.with_name("other.jwk")
    make_account_key(stranger)
    assert AccountKey.read(stranger).checkpoint(note) is None


def test_a_checkpoint_of_the_same_size_is_given_out_under_the_new_key(file: Path, world: World) -> None:
    tell(world, [line(1)])
    old = Log(world.database, world.clock, AccountKey.read(file)).checkpoint()
    after = rotate_account_key(file)
    new = Log(world.database, world.clock, after).checkpoint()
    assert after.signed(new)
    assert after.checkpoint(new) == after.checkpoint(old)
    assert Log(world.database, world.clock, after).checkpoint() == new, "given out once, given out for ever"


def test_what_a_former_key_signed_is_not_signed_anew_over_another_log(file: Path, world: World) -> None:
    """Whoever changed the database would else be rid of the evidence at the next rotation."""
    tell(world, [line(1), line(2)])
    old = Log(world.database, world.clock, AccountKey.read(file)).checkpoint()
    with world.database.transaction() as session:
        session.execute(text("UPDATE account_log SET peaks = zeroblob(32)"))
        session.execute(text("UPDATE account_node SET hash = zeroblob(32)"))
    after = rotate_account_key(file)
    with pytest.raises(Problem) as refused:
        Log(world.database, world.clock, after).checkpoint()
    assert (refused.value.status, refused.value.type) == (500, "urn:concord:problem:account-altered")
    with world.database.transaction() as session:
        assert session.scalars(select(AccountCheckpointRow.note)).all() == [old]
        assert [(row.kind, row.subject) for row in session.scalars(select(AccountAlarmRow))] == [
            ("changed", "checkpoint of size 2")
        ]


def test_the_step_that_no_reader_would_follow_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_key, "MAX_STEPS", 2)
    for _ in range(2):
        rotate_account_key(file)
    before = file.read_bytes()
    done = CliRunner().invoke(command_line.app, ["rotate", "account-key", str(file)])
    assert (done.exit_code, file.read_bytes()) == (1, before)
    assert "has been rotated 2 times" in done.output


def test_a_reader_goes_on_from_the_old_key_to_the_new_one_and_to_no_other(file: Path, world: World) -> None:
    tell(world, [line(1)])
    before = AccountKey.read(file)
    after = rotate_account_key(file)
    raw = exported(world, after)
    assert verify_bundle(raw, before.verifier.encode()).key == after.verifier.encode()
    without = json.loads(raw) | {"succession": []}
    with pytest.raises(LogKeyChangedError):
        verify_bundle(json.dumps(without).encode(), before.verifier.encode())
    with pytest.raises(LogKeyChangedError):  # a restored key file: the pinned one is newer
        verify_bundle(exported(world, before), after.verifier.encode())


def test_an_export_from_before_the_first_rotation_is_as_it_was(file: Path, world: World) -> None:
    tell(world, [line(1)])
    assert "succession" not in json.loads(exported(world, AccountKey.read(file)))


def test_the_command_rotates_and_says_what_comes_next(file: Path) -> None:
    before = AccountKey.read(file).verifier.encode()
    done = CliRunner().invoke(command_line.app, ["rotate", "account-key", str(file)])
    assert done.exit_code == 0
    assert AccountKey.read(file).verifier.encode() in done.stdout
    assert "Restart consent" in done.stdout
    assert before != AccountKey.read(file).verifier.encode()


def test_a_file_that_holds_no_key_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "account.jwk"
    path.write_text("{}")
    done = CliRunner().invoke(command_line.app, ["rotate", "account-key", str(path)])
    assert (done.exit_code, path.read_text()) == (1, "{}")
    assert "error:" in done.output


def exported(world: World, key: AccountKey) -> bytes:
    """A patient's account as the service answers it to their own side."""
    world.active()  # so that somebody may read it
    page = Log(world.database, world.clock, key).export(PHYSICIAN, PATIENT, None, 0, 100)
    return _present(page, key).model_dump_json().encode()
