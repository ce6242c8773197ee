"""`concord log`: what a person is told of the key log, and what they may say to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from concord import errors
from concord.cli import key_log as commands
from concord.cli import key_log_remarks as remarks
from concord.key_log import KeyLog
from concord_formats.cosignatures import WitnessKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from tests.unit.client.key_log.fake_log import BASE_URL, HARBOR, Town, stranger
from tests.unit.client.people import Clinician

Run = Callable[..., Any]


@pytest.fixture
def log(town: Town, ana: Clinician) -> KeyLog:
    made = town.colleagues(ana).key_log
    assert made
    made.refresh()
    return made


@pytest.fixture
def run(log: KeyLog, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command; its JSON, or the error that it raised."""

    @contextmanager
    def unlock(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(key_log=log, settings=SimpleNamespace(base_url=BASE_URL))

    monkeypatch.setattr(commands, "unlock", unlock)

    def running(*words: str) -> Any:
        done = CliRunner().invoke(commands.app, [*words, "--json"])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return running


def test_status_shows_the_newest_checkpoint_and_the_key_to_compare(town: Town, run: Run) -> None:
    town.fill(3)
    shown = run("status")
    assert (shown["size"], shown["key"], shown["alarms_open"]) == (5, town.log.verifier.encode(), 0)
    assert run("verify")["root"] == shown["root"]


def test_an_alarm_is_listed_with_its_evidence_and_acknowledged_by_its_id(town: Town, run: Run) -> None:
    town.log.shown = 1
    with pytest.raises(errors.RolledBackLogError):
        run("status")
    [alarm] = run("alarms")
    assert alarm["open"] and alarm["blocks"]
    assert alarm["evidence"]["seen"].startswith("concord.example/directory/log\n2\n")
    assert alarm["evidence"]["shown"].startswith("concord.example/directory/log\n1\n")
    assert run("acknowledge", alarm["id"])["acknowledged_at"]
    with pytest.raises(errors.KeyLogError, match="no alarm"):
        run("acknowledge", "ffffffff")


def test_another_key_is_trusted_when_it_is_given_and_of_this_log(town: Town, run: Run) -> None:
    town.log.signing = Ed25519PrivateKey.generate()
    with pytest.raises(errors.LogKeyError):
        run("status")
    with pytest.raises(errors.MalformedLogError):
        run("trust", "no key")
    assert run("trust", town.log.verifier.encode())["size"] == 2


def test_witnesses_are_asked_for_and_no_more(town: Town, run: Run) -> None:
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    texts = [WitnessKey.of(f"w{n}.example", key).encode() for n, key in enumerate(keys)]
    assert run("witness", "add", texts[0])["required"] == 1
    assert run("witness", "add", texts[1])["required"] == 2
    assert run("witness", "add", texts[1], "--threshold", "1")["required"] == 1
    assert [row["asked for"] for row in run("witness", "list")] == [True, True]
    with pytest.raises(errors.WitnessMissingError):
        run("status")
    town.log.witnesses = {"w1.example": keys[1]}
    assert run("status")["witnesses_required"] == 1
    assert run("witness", "remove", texts[0])["witnesses"] == [texts[1]]


def test_beside_every_command_it_is_said_that_an_alarm_is_open(
    town: Town, log: KeyLog, ana: Clinician, capsys: pytest.CaptureFixture[str]
) -> None:
    client: Any = SimpleNamespace(key_log=log)
    remarks.tell_open(client)
    assert capsys.readouterr().err == ""
    town.log.bind(stranger("Dr. Ana Whitfield", organization=HARBOR))
    log.refresh(within=0)
    remarks.tell_open(client)
    said = capsys.readouterr().err
    assert "concord log alarms" in said and "sealed" not in said


def test_what_is_loud_is_said_word_for_word(
    town: Town, log: KeyLog, ana: Clinician, capsys: pytest.CaptureFixture[str]
) -> None:
    town.log.bind(stranger("Dr. Ana Whitfield", account=ana.id))
    log.refresh(within=0)
    remarks.tell_open(SimpleNamespace(key_log=log))  # type: ignore[arg-type]
    assert "keys of your account that you do not have" in capsys.readouterr().err
