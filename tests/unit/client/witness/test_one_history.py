"""A witness never cosigns two histories of a log: whatever is asked, by how many at once, and however often it dies."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from concord.witness import States, Witness
from concord.witness.states import Cosigned
from concord_formats import merkle
from concord_formats.notes import Checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.witness.lying_log import LyingLog, evidence, history, reached, witness_of

LOG = LyingLog()
SIZES = st.integers(0, 40)
# Each step asks for the cosignature of a history, which may be another one from some leaf on; from the size that the
# witness has, or from any; with the proof of that history or of another; and now and then the witness is started again.
STEPS = st.lists(
    st.tuples(SIZES, st.none() | SIZES, st.none() | SIZES, st.none() | SIZES, st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(SIZES, min_size=1, max_size=12))
def test_honest_growth_is_always_cosigned(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        witness, old = witness_of(LOG, Path(folder)), 0
        for size in sorted(sizes):
            assert witness.add_checkpoint(LOG.asks(history(size), old)).status == 200
            old = size
        assert evidence(Path(folder)) == []


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_no_two_histories_are_ever_cosigned(steps: list[tuple[int, int | None, int | None, int | None, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        witness, cosigned = witness_of(LOG, Path(folder)), [history(0)]
        for size, fork_at, named, proof_of, again in steps:
            leaves, old = history(size, fork_at), len(cosigned[-1]) if named is None else named
            proof = merkle.consistency_path(history(size, proof_of), old) if old <= size else ()
            answer = witness.add_checkpoint(LOG.asks(leaves, old, proof))
            honest = proof_of == fork_at and old == len(cosigned[-1]) and leaves[:old] == cosigned[-1] and old <= size
            assert not honest or answer.status == 200
            if answer.status == 200:
                cosigned.append(leaves)
            if again:
                witness = witness_of(LOG, Path(folder))
        assert_one_history(cosigned)


def assert_one_history(cosigned: Sequence[Sequence[bytes]]) -> None:
    """Each is the beginning of the next."""
    for before, after in pairwise(cosigned):
        assert list(after[: len(before)]) == list(before)


class SlowStates(States):
    """A disk so slow that two who read before they write would both have read the same."""

    def last(self, origin: str) -> Cosigned | None:
        found = super().last(origin)
        time.sleep(0.02)
        return found


def test_of_forks_that_ask_at_once_one_is_cosigned(tmp_path: Path) -> None:
    """Half of them ask another process on the same folder: a lock of a file is between open files."""
    witnesses = [witness_of(LOG, tmp_path, SlowStates) for _ in range(2)]
    asked = [LOG.asks(history(8, fork_at=n), 0) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: witnesses[n % 2].add_checkpoint(asked[n]).status, range(8)))
    assert sorted(answers) == [200] + [409] * 7
    assert len(evidence(tmp_path)) == 7


def test_of_growths_that_ask_at_once_none_is_rolled_back(tmp_path: Path) -> None:
    witness = witness_of(LOG, tmp_path, SlowStates)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: witness.add_checkpoint(LOG.asks(history(n), 0)).status, range(8, 16)))
    kept = States(tmp_path).last(LOG.origin)
    assert sorted(answers) == [200] + [409] * 7
    assert kept is not None
    assert kept.checkpoint.size == 8 + answers.index(200)


class Killed(BaseException):
    """The process was killed."""


class DyingStates(States):
    """Whose process is killed right after a checkpoint was put on the disk."""

    def keep(self, note: str, checkpoint: Checkpoint, at: int) -> None:
        super().keep(note, checkpoint, at)
        raise Killed


def test_what_was_persisted_and_not_answered_counts_as_cosigned(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        witness_of(LOG, tmp_path, DyingStates).add_checkpoint(LOG.asks(history(5), 0))
    witness = witness_of(LOG, tmp_path)
    assert witness.add_checkpoint(LOG.asks(history(5, fork_at=2), 0)).status == 409
    told = witness.add_checkpoint(LOG.asks(history(5), 0))
    assert (told.status, told.body) == (409, "5\n")
    assert witness.add_checkpoint(LOG.asks(history(5), 5)).status == 200


class FullStates(States):
    """A disk with no room."""

    def keep(self, note: str, checkpoint: Checkpoint, at: int) -> None:
        raise OSError(28, "No space left on device")


def test_what_cannot_be_persisted_is_not_cosigned(tmp_path: Path) -> None:
    assert (
        reached(witness_of(LOG, tmp_path, FullStates))
        .post("/add-checkpoint", content=LOG.asks(history(5), 0))
        .status_code
        == 500
    )
    assert answer_to(witness_of(LOG, tmp_path), history(5, fork_at=2)) == 200


def test_a_state_that_cannot_be_read_is_not_the_beginning(tmp_path: Path) -> None:
    assert answer_to(witness_of(LOG, tmp_path), history(5)) == 200
    [kept] = (tmp_path / "logs").glob("*.json")
    kept.write_bytes(kept.read_bytes()[:-20])
    answer = reached(witness_of(LOG, tmp_path)).post("/add-checkpoint", content=LOG.asks(history(5, fork_at=2), 0))
    assert answer.status_code == 500


def answer_to(witness: Witness, leaves: Sequence[bytes]) -> int:
    """The status of the answer to a first checkpoint."""
    return witness.add_checkpoint(LOG.asks(leaves, 0)).status
