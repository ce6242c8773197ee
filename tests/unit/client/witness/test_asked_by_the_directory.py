"""The directory's way of asking, and the witness's way of answering, are the same protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from concord.witness import WitnessApp
from concord_formats import merkle
from concord_formats.cosignatures import WitnessKey, cosigned_at, with_signatures

from services.directory.witnesses import Trouble, Witness, WitnessError
from tests.unit.client.witness.lying_log import NOW, SIGNER, LyingLog, evidence, history, witness_of

LOG = LyingLog()
KEY = WitnessKey.decode(SIGNER.verifier)


@pytest.fixture
def asked(tmp_path: Path) -> Witness:
    app = WitnessApp(witness_of(LOG, tmp_path))
    return Witness(KEY, "http://witness.test", httpx.WSGITransport(app))  # type: ignore[arg-type]


def cosigned(asked: Witness, leaves: Sequence[bytes], old: int) -> int:
    """When the witness says that it saw this history."""
    line = asked.cosign(LOG.note(leaves), old, lambda size: merkle.consistency_path(leaves, size))
    return cosigned_at(with_signatures(LOG.note(leaves), [line]), KEY)


def test_a_growing_log_is_cosigned_also_when_the_directory_forgot_how_far(asked: Witness) -> None:
    assert cosigned(asked, history(5), 0) == NOW
    assert cosigned(asked, history(9), 5) == NOW
    assert cosigned(asked, history(9), 9) == NOW
    assert cosigned(asked, history(12), 0) == NOW


@pytest.mark.parametrize("size", [5, 9], ids=["as large", "larger"])
@pytest.mark.parametrize("old", [0, 5])
def test_a_fork_contradicts(asked: Witness, tmp_path: Path, size: int, old: int) -> None:
    cosigned(asked, history(5), 0)
    with pytest.raises(WitnessError) as refused:
        cosigned(asked, history(size, fork_at=1), old)
    assert refused.value.trouble is Trouble.CONTRADICTS
    assert len(evidence(tmp_path)) == 1


def test_a_log_that_was_put_back_hears_that_the_witness_is_ahead(asked: Witness) -> None:
    cosigned(asked, history(9), 0)
    with pytest.raises(WitnessError) as refused:
        cosigned(asked, history(5), 0)
    assert refused.value.trouble is Trouble.AHEAD


def test_a_log_that_the_witness_was_not_told_of_is_refused(tmp_path: Path) -> None:
    app = WitnessApp(witness_of(LyingLog("other.test/log"), tmp_path))
    with pytest.raises(WitnessError) as refused:
        cosigned(Witness(KEY, "http://witness.test", httpx.WSGITransport(app)), history(5), 0)  # type: ignore[arg-type]
    assert refused.value.trouble is Trouble.REFUSED
