"""What a witness answers: the table of C2SP's tlog-witness, through its app."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import httpx
import pytest
from concord.witness.submission import MAX_PROOF_LINES
from concord.witness.web import MAX_BODY_BYTES
from concord_formats import merkle
from concord_formats.cosignatures import WitnessKey, cosigned_at, with_signatures
from concord_formats.notes import sign_note

from tests.unit.client.witness.lying_log import NOW, SIGNER, LyingLog, evidence, history, reached, witness_of

ROUTE = "/add-checkpoint"


@pytest.fixture
def log() -> LyingLog:
    return LyingLog()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def witness(log: LyingLog, folder: Path) -> httpx.Client:
    return reached(witness_of(log, folder))


def test_a_log_that_grows_is_cosigned(log: LyingLog, witness: httpx.Client) -> None:
    """The answer is a signature line that makes the checkpoint a cosigned one."""
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 21)):
        answer = witness.post(ROUTE, content=log.asks(history(size), old))
        assert answer.status_code == 200
        note = with_signatures(log.note(history(size)), [answer.text])
        assert cosigned_at(note, WitnessKey.decode(SIGNER.verifier)) == NOW


def test_the_first_checkpoint_may_be_of_any_size(log: LyingLog, witness: httpx.Client) -> None:
    assert witness.post(ROUTE, content=log.asks(history(1000), 0)).status_code == 200


def test_the_empty_log_is_cosigned_with_the_one_root_that_it_can_have(log: LyingLog, witness: httpx.Client) -> None:
    honest = log.asks([], 0)
    other = log.checkpoint([]).encode().replace("47DEQ", "47DER")
    forged = b"old 0\n\n" + sign_note(other, log.origin, log.key).encode()
    assert witness.post(ROUTE, content=forged).status_code == 409
    assert witness.post(ROUTE, content=honest).status_code == 200


def test_a_log_that_is_not_known_is_not_found(witness: httpx.Client) -> None:
    stranger = LyingLog("elsewhere.test/log")
    assert witness.post(ROUTE, content=stranger.asks(history(3), 0)).status_code == 404


def test_a_checkpoint_that_the_log_did_not_sign_is_forbidden(log: LyingLog, witness: httpx.Client) -> None:
    impostor = LyingLog(log.origin)
    assert witness.post(ROUTE, content=impostor.asks(history(3), 0)).status_code == 403


def test_a_log_may_have_several_keys_and_each_counts(log: LyingLog, folder: Path) -> None:
    """So a rotated key is added; the one before it still verifies what it signed."""
    successor, witness = LyingLog(log.origin), witness_of(log, folder)
    witness = type(witness)(SIGNER, [log.verifier, successor.verifier], witness._states)
    assert witness.add_checkpoint(log.asks(history(3), 0)).status == 200
    assert witness.add_checkpoint(successor.asks(history(5), 3)).status == 200


def test_an_old_size_that_is_not_the_one_cosigned_last_is_told_which_that_is(
    log: LyingLog, witness: httpx.Client
) -> None:
    assert witness.post(ROUTE, content=log.asks(history(5), 2)).text == "0\n"
    witness.post(ROUTE, content=log.asks(history(5), 0))
    answer = witness.post(ROUTE, content=log.asks(history(9), 0))
    assert (answer.status_code, answer.text) == (409, "5\n")
    assert answer.headers["Content-Type"] == "text/x.tlog.size"


def test_a_log_does_not_shrink(log: LyingLog, witness: httpx.Client) -> None:
    witness.post(ROUTE, content=log.asks(history(9), 0))
    assert witness.post(ROUTE, content=log.asks(history(5), 9)).status_code == 400
    assert witness.post(ROUTE, content=log.asks(history(5), 5)).status_code == 409


def test_another_root_at_the_same_size_is_a_fork_and_both_notes_are_kept(
    log: LyingLog, witness: httpx.Client, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    witness.post(ROUTE, content=log.asks(history(5), 0))
    for old in (5, 0):  # whatever the old size that was named
        assert witness.post(ROUTE, content=log.asks(history(5, fork_at=2), old)).text == "5\n"
    [kept] = evidence(folder)
    told = json.loads(kept.read_bytes())
    assert (told["kind"], told["cosigned"]) == ("forked", log.note(history(5)))
    assert told["presented"] == log.note(history(5, fork_at=2))
    assert any(record.levelno == logging.WARNING and kept.name in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("fork_at", [0, 4], ids=["from the start", "in the last leaf"])
def test_growth_from_another_history_is_not_proved_and_is_kept(
    log: LyingLog, witness: httpx.Client, folder: Path, fork_at: int
) -> None:
    witness.post(ROUTE, content=log.asks(history(5), 0))
    answer = witness.post(ROUTE, content=log.asks(history(8, fork_at=fork_at), 5))
    assert answer.status_code == 422
    assert [path.name.split("-")[0] for path in evidence(folder)] == ["unproved"]


def test_what_was_not_proved_at_first_and_is_later_is_no_evidence(
    log: LyingLog, witness: httpx.Client, folder: Path
) -> None:
    """Anybody can send a log's own checkpoint with a proof of nothing."""
    witness.post(ROUTE, content=log.asks(history(5), 0))
    assert witness.post(ROUTE, content=log.asks(history(8), 5, proof=[])).status_code == 422
    assert witness.post(ROUTE, content=log.asks(history(8), 5)).status_code == 200
    assert evidence(folder) == []


def test_a_proof_where_none_belongs_is_refused_and_is_held_against_nobody(
    log: LyingLog, witness: httpx.Client, folder: Path
) -> None:
    proof = merkle.consistency_path(history(8), 5)
    assert witness.post(ROUTE, content=log.asks(history(8), 0, proof)).status_code == 422
    witness.post(ROUTE, content=log.asks(history(8), 0))
    assert witness.post(ROUTE, content=log.asks(history(8), 8, proof)).status_code == 422
    assert evidence(folder) == []


def _hostile(log: LyingLog) -> dict[str, bytes]:
    good = log.asks(history(8), 5).decode()
    first_line, rest = good.split("\n", 1)
    proof_line = rest.split("\n", 1)[0]
    twin = proof_line[:-2] + chr(ord(proof_line[-2]) + 1) + "="  # the same bytes: the last two bits are of none
    extended = sign_note(log.checkpoint(history(8)).encode() + "more\n", log.origin, log.key)
    return {
        "nothing": b"",
        "not UTF-8": b"\xff" + good.encode(),
        "no old size": rest.encode(),
        "a leading zero": good.replace("old 5", "old 05").encode(),
        "a sign": good.replace("old 5", "old +5").encode(),
        "another digit": good.replace("old 5", "old ٥").encode(),
        "two spaces": good.replace("old 5", "old  5").encode(),
        "a carriage return": good.replace("\n", "\r\n").encode(),
        "no empty line": good.replace("\n\n", "\n").encode(),
        "no base64": good.replace(proof_line, "!" * 44, 1).encode(),
        "another base64 of the same": good.replace(proof_line, twin, 1).encode(),
        "a short hash": good.replace(proof_line, "AAAA", 1).encode(),
        "too many lines": (first_line + ("\n" + proof_line) * (MAX_PROOF_LINES + 1) + "\n\n").encode()
        + log.note(history(8)).encode(),
        "no checkpoint": b"old 0\n\nhello\n",
        "a checkpoint that nobody signed": b"old 0\n\n" + log.checkpoint(history(8)).encode().encode(),
        "extension lines": b"old 0\n\n" + extended.encode(),
    }  # fmt: skip


@pytest.mark.parametrize("name", _hostile(LyingLog()))
def test_what_is_no_submission_is_refused_and_said_in_no_log_line(
    log: LyingLog, witness: httpx.Client, folder: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO, "concord")
    answer = witness.post(ROUTE, content=_hostile(log)[name])
    assert answer.status_code == 400
    assert not list((folder / "logs").glob("*.json"))
    [record] = [each for each in caplog.records if each.name.startswith("concord")]
    assert log.origin not in record.getMessage()


def test_a_body_is_bounded(witness: httpx.Client) -> None:
    assert witness.post(ROUTE, content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


def test_it_says_its_verifier_key_and_has_one_route(witness: httpx.Client) -> None:
    assert witness.get("/").text == SIGNER.verifier + "\n"
    assert (witness.get(ROUTE).status_code, witness.get(ROUTE).headers["Allow"]) == (405, "POST")
    assert witness.get("/metrics").status_code == 404
    assert witness.post("/").status_code == 404
