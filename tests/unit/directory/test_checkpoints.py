"""The log's checkpoints: renewed, cosigned by witnesses that may do what they like, and under one key after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from concord_formats.cosignatures import cosign, cosigned_at, own_clock
from concord_formats.key_log import origin
from concord_formats.merkle import EMPTY_ROOT
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, taken_apart, unverified_text, verify_note
from concord_formats.succession import follow
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, text
from typer.testing import CliRunner

from services import __main__ as command_line
from services.chassis.db import DatabaseUnavailableError
from services.chassis.log_key import LogKey, make_log_key, read_log_key
from services.directory import checkpoints, log_keeper, measures, models, witnesses
from services.directory.log_keeper import Keeper
from tests.deployment import wait_for
from tests.unit.directory.grown_log import grown
from tests.unit.directory.house import BASE, House
from tests.unit.directory.witness import FakeWitness, Witnesses


def newest(house: House) -> str:
    return checkpoints.newest(house.deps)


def with_settings(house: House, **changed: Any) -> None:
    """The same directory, started anew with other settings."""
    house.deps = replace(house.deps, settings=house.deps.settings.model_copy(update=changed))


def with_key(house: House, key: LogKey) -> None:
    house.log_key = key
    house.deps = replace(house.deps, log_key=key)


@pytest.fixture
def witness(house: House) -> FakeWitness:
    """A witness that the directory asks."""
    made = FakeWitness(house.log_key.verifier)
    with_settings(house, witnesses=made.setting)
    return made


@pytest.fixture
def keep(house: House, witness: FakeWitness) -> Callable[[], None]:
    """One round of the worker, a minute after the last."""
    keeper = Keeper(house.deps, witness)

    def round_() -> None:
        house.clock.pass_(60)
        keeper.keep()

    return round_


def test_a_checkpoint_says_when_it_was_made_and_says_so_anew(house: House) -> None:
    house.administrator()
    clock = own_clock(house.log_key.verifier)
    first = newest(house)
    assert cosigned_at(first, clock) == int(house.clock.now().timestamp())
    house.clock.pass_(60)
    assert newest(house) == first
    checkpoints.renew(house.deps)
    second = newest(house)
    assert cosigned_at(second, clock) == int(house.clock.now().timestamp()) == cosigned_at(first, clock) + 60
    assert verify_note(second, house.log_key.verifier) == verify_note(first, house.log_key.verifier)


def test_the_worker_renews_as_often_as_it_is_told(house: House) -> None:
    keeper, clock = Keeper(house.deps), own_clock(house.log_key.verifier)
    times = []
    for _ in range(5):
        keeper.keep()
        times.append(cosigned_at(newest(house), clock) - int(house.clock.now().timestamp()))
        house.clock.pass_(30)
    assert times == [0, -30, 0, -30, 0]


def test_whatever_else_fails_the_log_is_not_silent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients believe no old checkpoint: one entry that cannot be logged must not stop everybody."""
    keeper, clock = Keeper(house.deps), own_clock(house.log_key.verifier)
    keeper.keep()
    monkeypatch.setattr(log_keeper.key_log, "log_late", lambda _: 1 / 0)
    house.clock.pass_(60)
    with pytest.raises(ZeroDivisionError):
        keeper.keep()
    assert cosigned_at(newest(house), clock) == int(house.clock.now().timestamp())


def test_a_witness_cosigns_what_is_new_and_what_is_old_anew(
    house: House, witness: FakeWitness, keep: Callable[[], None]
) -> None:
    sizes = []
    for more in (0, 3, 0, 260, 1):
        grown(house, more)
        keep()
        assert cosigned_at(newest(house), witness.key) == witness.time
        sizes.append(witness.known.size)
    assert sizes == [0, 3, 3, 263, 264]
    assert witness.asked == 5, "never from a size that it has not"


def test_a_new_leaf_does_not_wait_for_a_minute(house: House, witness: FakeWitness) -> None:
    keeper = Keeper(house.deps, witness)
    keeper.keep()
    grown(house, 1)
    with pytest.raises(NoteError):
        cosigned_at(newest(house), witness.key)
    keeper.keep()
    assert cosigned_at(newest(house), witness.key) == witness.time
    keeper.keep()
    assert witness.asked == 2, "and is asked no more until it is due"


def test_a_witness_that_knows_another_size_is_asked_from_there(
    house: House, witness: FakeWitness, keep: Callable[[], None]
) -> None:
    grown(house, 5)
    keep()
    grown(house, 4)
    with house.database.transaction() as session:  # a database from before that
        session.execute(text("UPDATE key_witness SET size = 2"))
    keep()
    assert (witness.known.size, witness.asked) == (9, 3)
    assert cosigned_at(newest(house), witness.key) == witness.time


def contents(answer: bytes) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(200, content=answer)


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too late", request=request)


def endless(_: httpx.Request) -> httpx.Response:
    def pieces() -> Iterator[bytes]:
        while True:
            yield b"x" * 1024

    return httpx.Response(200, content=pieces())


def of_another_text(_: httpx.Request) -> httpx.Response:
    key = Ed25519PrivateKey.generate()
    return httpx.Response(200, text=cosign(Checkpoint("x", 0, EMPTY_ROOT).encode(), "witness.test/w", key, 7))


MISDEEDS: dict[str, tuple[Callable[[httpx.Request], httpx.Response], str]] = {
    "is silent": (lost, "unreachable"),
    "fails": (lambda _: httpx.Response(500), "refused"),
    "sends us on": (lambda _: httpx.Response(307, headers={"Location": "https://elsewhere.test/"}), "refused"),
    "knows no such log": (lambda _: httpx.Response(404), "refused"),
    "sends nothing": (contents(b""), "malformed"),
    "sends what is no text": (contents(b"\xff\xfe"), "malformed"),
    "sends a page": (contents(b"<html>"), "malformed"),
    "sends without end": (endless, "malformed"),
    "signs with another key": (of_another_text, "malformed"),
    "names no size": (lambda _: httpx.Response(409, text="many"), "malformed"),
    "names a smaller size again and again": (lambda _: httpx.Response(409, text="0"), "malformed"),
    "names a larger size": (lambda _: httpx.Response(409, text="9999"), "ahead"),
    "refuses the proof": (lambda _: httpx.Response(422), "contradicts"),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_witness_that_does_not_cosign_is_noted_and_holds_up_nobody(house: House, misdeed: str) -> None:
    answer, trouble = MISDEEDS[misdeed]
    bad, good = FakeWitness(house.log_key.verifier, "bad.test"), FakeWitness(house.log_key.verifier, "good.test")
    bad.answer = answer
    with_settings(house, witnesses=f"{bad.setting}, {good.setting}")
    keeper = Keeper(house.deps, Witnesses(bad, good))
    grown(house, 3)
    keeper.keep()
    note = newest(house)
    assert house.log_key.checkpoint(note) is not None
    assert cosigned_at(note, good.key) == good.time
    with pytest.raises(NoteError):
        cosigned_at(note, bad.key)
    with house.database.transaction() as session:
        rows = session.execute(select(models.KeyWitnessRow.name, models.KeyWitnessRow.trouble)).all()
    assert set(rows) == {("bad.test", trouble), ("good.test", None)}
    bad.answer = None
    house.clock.pass_(60)
    keeper.keep()
    assert cosigned_at(newest(house), bad.key) == bad.time, "and is asked again"


def test_a_witness_that_answers_byte_by_byte_is_heard_for_so_long_and_no_longer(
    house: House, witness: FakeWitness, keep: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timeout of a connection begins anew with each."""
    heard: list[bytes] = []

    def slowly() -> Iterator[bytes]:
        for _ in range(200):
            time.sleep(0.001)
            heard.append(b"x")
            yield b"x" * 64  # of which some make one piece

    witness.answer = lambda _: httpx.Response(200, content=slowly())
    monkeypatch.setattr(witnesses, "ANSWER_SECONDS", 0.02)
    keep()
    with house.database.transaction() as session:
        assert session.scalars(select(models.KeyWitnessRow.trouble)).all() == ["unreachable"]
    assert len(heard) < 200


def shown(house: House) -> dict[str, float]:
    """What the dashboard reads of the key log."""
    with house.database.transaction() as session:
        families = list(measures.key_log(session, house.clock.now()))
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_what_must_not_be_is_measured(house: House, witness: FakeWitness, keep: Callable[[], None]) -> None:
    grown(house, 3)
    keep()
    assert shown(house) == {
        "concord_key_log_checkpoint_seconds": 0,
        "concord_key_log_witness_seconds": 0,
        "concord_key_log_contradicted": 0,
    }
    witness.known = replace(witness.known, root=bytes(32))  # it was shown another log of this size
    keep()
    assert (shown(house)["concord_key_log_contradicted"], shown(house)["concord_key_log_witness_seconds"]) == (1, 60)
    house.clock.pass_(600)
    assert shown(house)["concord_key_log_checkpoint_seconds"] == 600


def test_a_witness_that_has_never_cosigned_is_missed_from_when_it_was_first_asked(
    house: House, witness: FakeWitness, keep: Callable[[], None]
) -> None:
    witness.answer = lost
    keep()
    keep()
    assert shown(house)["concord_key_log_witness_seconds"] == 60


@pytest.mark.parametrize("remembered", [3, 5])
def test_a_log_that_was_rolled_back_is_said_to_be_by_its_witness(
    house: House, witness: FakeWitness, keep: Callable[[], None], remembered: int
) -> None:
    grown(house, 3)
    keep()
    witness.known = replace(witness.known, size=5)  # it has cosigned what a restore has lost
    with house.database.transaction() as session:
        session.execute(text("UPDATE key_witness SET size = :size"), {"size": remembered})
    grown(house, 1)
    keep()
    assert shown(house)["concord_key_log_contradicted"] == 1


def test_a_witness_that_is_named_no_more_is_neither_asked_nor_missed(
    house: House, witness: FakeWitness, keep: Callable[[], None]
) -> None:
    keep()
    with_settings(house, witnesses="")
    Keeper(house.deps, witness).keep()
    assert witness.asked == 1
    assert "concord_key_log_witness_seconds" not in shown(house)
    with pytest.raises(NoteError):
        cosigned_at(newest(house), witness.key)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key-log.jwk"
    make_log_key(path)
    return path


def in_file(path: Path) -> LogKey:
    return LogKey(origin(BASE), *read_log_key(path))


def rotated(path: Path) -> str:
    """What `concord-server rotate key-log-key` prints."""
    done = CliRunner().invoke(command_line.app, ["rotate", "key-log-key", str(path), "--base-url", BASE])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_rotated_key_is_reached_from_every_former_one(file: Path) -> None:
    keys = [in_file(file)]
    for _ in range(2):
        said = rotated(file)
        keys.append(in_file(file))
        assert keys[-1].verifier.encode() in said
        assert "Restart the directory" in said
    newest_key = keys[-1]
    assert len({key.verifier for key in keys}) == 3
    assert all(follow(newest_key.succession, key.verifier, newest_key.verifier) for key in keys)
    assert unverified_text(newest_key.succession[0]).startswith("concord.test/directory/log-succession\n")


def test_the_same_checkpoint_is_given_out_under_the_new_key_and_stays_cosigned(
    house: House, file: Path, tmp_path: Path
) -> None:
    with_key(house, in_file(file))
    witness = FakeWitness(house.log_key.verifier)
    with_settings(house, witnesses=witness.setting)
    grown(house, 3)
    Keeper(house.deps, witness).keep()
    old = newest(house)
    former = house.log_key
    rotated(file)
    with_key(house, in_file(file))
    new = newest(house)
    assert house.log_key.signed(new)
    assert not house.log_key.signed(old)
    assert house.log_key.checkpoint(old) == house.log_key.checkpoint(new) == former.checkpoint(old)
    assert cosigned_at(new, witness.key) == witness.time
    assert newest(house) == new
    shown_key = house.another_process().test_client().get("/log/key").get_json()
    assert shown_key["succession"] == list(house.log_key.succession)
    assert shown_key["witnesses"] == [witness.key.encode()]


def test_a_log_that_is_reached_by_another_name_is_the_same_tree_under_it(house: House) -> None:
    witness = FakeWitness(house.log_key.verifier)
    with_settings(house, witnesses=witness.setting)
    grown(house, 3)
    Keeper(house.deps, witness).keep()
    old = house.log_key.checkpoint(newest(house))
    with_key(house, LogKey("elsewhere.test/directory/log", house.log_key.private))
    note = newest(house)
    assert old is not None
    assert house.log_key.checkpoint(note) == replace(old, origin="elsewhere.test/directory/log")
    assert {name for name, _ in taken_apart(note)[1]} == {"elsewhere.test/directory/log"}, "no witness has seen that"


def test_a_lost_key_is_followed_by_one_that_no_former_one_names(house: House) -> None:
    grown(house, 3)
    newest(house)
    former = house.log_key.verifier
    with_key(house, LogKey(origin(BASE), Ed25519PrivateKey.generate()))
    assert verify_note(newest(house), house.log_key.verifier)
    assert not follow(house.log_key.succession, former, house.log_key.verifier)


@pytest.mark.parametrize(
    ("content", "base", "said"),
    [("{}", BASE, "holds no key of a log"), (None, "nowhere", "is no address"), ("[]", BASE, "holds no key of a log")],
)
def test_what_cannot_be_rotated_is_left_alone(file: Path, content: str | None, base: str, said: str) -> None:
    if content is not None:
        file.write_text(content)
    before = file.read_text()
    done = CliRunner().invoke(command_line.app, ["rotate", "key-log-key", str(file), "--base-url", base])
    assert (done.exit_code, file.read_text()) == (1, before)
    assert said in done.output


def test_a_tree_without_a_checkpoint_gets_one_from_whoever_is_asked_first(house: House) -> None:
    """As the migration leaves it, which has no key."""
    grown(house, 3)
    with house.database.transaction() as session:
        session.execute(delete(models.KeyCheckpointRow))
    assert house.client.get("/log/tile/0/000.p/3").status_code == 404
    said = house.log_key.checkpoint(house.client.get("/log/checkpoint").get_data(as_text=True))
    assert said is not None
    assert said.size == 3
    assert house.client.get("/log/tile/0/000.p/3").status_code == 200


def test_a_checkpoint_is_the_logs_own_to_no_other_key(house: House) -> None:
    stranger = VerifierKey.of(house.log_key.verifier.name, Ed25519PrivateKey.generate())
    with pytest.raises(NoteError):
        verify_note(newest(house), stranger)


def test_the_worker_is_woken_by_what_is_recorded_and_ends_when_it_is_told(house: House, witness: FakeWitness) -> None:
    stop = threading.Event()
    loop = threading.Thread(target=Keeper(house.deps, witness).run, args=(stop,))
    loop.start()
    try:
        wait_for(lambda: witness.asked == 1, 10, "the first checkpoint to be cosigned")
        grown(house, 2)
        began = time.monotonic()
        house.deps.changed()
        wait_for(lambda: witness.known.size == 2, 10, "the new leaves to be cosigned")
        assert time.monotonic() - began < log_keeper.LOOK_SECONDS / 2, "it was rung for, and not found by looking"
    finally:
        stop.set()
        loop.join(5)
    assert not loop.is_alive()


def test_a_database_that_is_away_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, stop = Keeper(house.deps), threading.Event()
    rounds = iter([DatabaseUnavailableError("away"), None])

    def keep() -> None:
        if (trouble := next(rounds)) is not None:
            house.deps.changed()
            raise trouble
        stop.set()

    monkeypatch.setattr(keeper, "keep", keep)
    keeper.run(stop)
    assert list(rounds) == []
