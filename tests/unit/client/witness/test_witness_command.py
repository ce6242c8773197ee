"""`concord witness`: a key is made once, a folder is one witness's, and what is served holds over a killed process."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from concord.cli.witness import app
from concord.errors import ConcordError, WitnessKeyFileError, WitnessStateError
from concord.witness import States, make_key, read_key
from concord_formats.cosignatures import WitnessKey, cosigned_at, with_signatures
from typer.testing import CliRunner, Result

from tests.real import free_port, wait_until
from tests.unit.client.witness.lying_log import SIGNER, LyingLog, history, witness_of

LOG = LyingLog()
WITNESS = [sys.executable, "-c", "from concord.cli import main; main()", "witness"]


def concord(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_key_is_made_for_its_owner_alone_and_its_verifier_key_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "witness.jwk"
    printed = concord("key", "--key", path, "--name", "witness.test").stdout.strip()
    assert WitnessKey.decode(printed).name == "witness.test"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).verifier == printed


def test_a_key_without_a_name_has_that_of_the_machine(tmp_path: Path) -> None:
    told = json.loads(concord("key", "--key", tmp_path / "key", "--json").stdout)
    assert WitnessKey.decode(told["verifier"]).name == told["name"]


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "witness.jwk"
    made = make_key(path, "witness.test")
    with pytest.raises(WitnessKeyFileError):
        make_key(path, "witness.test")
    assert read_key(path).verifier == made.verifier


@pytest.mark.parametrize("name", ["a b", "a+b", "", "a\nb"])
def test_a_name_that_cannot_stand_in_a_signature_makes_no_key(tmp_path: Path, name: str) -> None:
    with pytest.raises(WitnessKeyFileError):
        make_key(tmp_path / "key", name)
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "w"}', "\x00"])
def test_what_is_no_key_is_named_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(WitnessKeyFileError):
        read_key(tmp_path / "key")


def test_a_key_without_its_private_half_is_no_key(tmp_path: Path) -> None:
    make_key(tmp_path / "key", "witness.test")
    members = json.loads((tmp_path / "key").read_text())
    (tmp_path / "key").write_text(json.dumps({name: value for name, value in members.items() if name != "d"}))
    with pytest.raises(WitnessKeyFileError):
        read_key(tmp_path / "key")


def test_a_folder_is_the_state_of_one_witness(tmp_path: Path) -> None:
    States(tmp_path).claim(SIGNER.verifier)
    States(tmp_path).claim(SIGNER.verifier)
    with pytest.raises(WitnessStateError):
        States(tmp_path).claim(make_key(tmp_path / "key", "witness.test").verifier)


def test_status_shows_what_was_cosigned_and_what_is_held_against_whom(tmp_path: Path) -> None:
    witness = witness_of(LOG, tmp_path)
    witness.add_checkpoint(LOG.asks(history(5), 0))
    witness.add_checkpoint(LOG.asks(history(5, fork_at=1), 5))
    told = json.loads(concord("status", "--state", tmp_path, "--json").stdout)
    assert told["verifier"] == SIGNER.verifier
    [row] = told["logs"]
    assert (row["log"], row["size"], row["forked"], row["unproved"]) == (LOG.origin, 5, 1, 0)
    assert LOG.origin in concord("status", "--state", tmp_path).stdout


@pytest.mark.parametrize("wrong", [("--log", "nonsense"), ("--log", LOG.verifier.encode(), "--bind", "no port")])
def test_what_cannot_be_served_is_said(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    make_key(tmp_path / "key", "witness.test")
    done = concord("run", "--key", tmp_path / "key", "--state", tmp_path / "state", *wrong)
    assert done.exit_code == 2
    assert not isinstance(done.exception, ConcordError)


@contextmanager
def served(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A witness in a process of its own, killed at the end."""
    words = ["--key", folder / "key", "--state", folder / "state", "--log", LOG.verifier.encode()]
    with (folder / "log").open("ab") as log:
        line = [*WITNESS, "run", *map(str, words), "--bind", f"127.0.0.1:{port}"]
        process = subprocess.Popen(line, stderr=log)
    try:
        wait_until(lambda: _answers(port), "the witness")
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").is_success
    except httpx.TransportError:
        return False


def test_a_witness_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """For real: the command, its server, a socket, `kill -9`."""
    verifier, port = make_key(tmp_path / "key", "witness.test").verifier, free_port()
    at = f"http://127.0.0.1:{port}/add-checkpoint"
    with served(tmp_path, port):
        answer = httpx.post(at, content=LOG.asks(history(5), 0))
        assert cosigned_at(with_signatures(LOG.note(history(5)), [answer.text]), WitnessKey.decode(verifier))
    with served(tmp_path, port):
        assert httpx.post(at, content=LOG.asks(history(8, fork_at=3), 0)).text == "5\n"
        assert httpx.post(at, content=LOG.asks(history(8), 5)).status_code == 200
        assert httpx.post(at, content=b"x" * 100_000).status_code == 413
    lines = (tmp_path / "log").read_text()
    assert "cosigned log='concord.test/directory/log' old=5 size=8" in lines
    assert json.loads((tmp_path / "key").read_text())["d"] not in lines
