"""What the key log adds to a letter that is sent, over the deployed services.

Owns the comparison of the same sends with and without it, in turns, so that both meet the same machine. Refuses a log
that was looked at a moment ago: each letter is sent as the first of its command, with the newest checkpoint asked for.
"""

from __future__ import annotations

import io
import statistics
import time
from pathlib import Path

from concord.drafts import Draft
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from tests.deployment import Deployment

from .load import BODY_BYTES, Pair, enrol_pairs

LETTERS = 60  # of each kind


def measure(folder: Path, postgresql_url: str, amqp_url: str) -> dict[str, float]:
    """A send with the key log and without, medians, and what the key log adds to it."""
    with Deployment(folder / "deployment", postgresql_url, amqp_url) as deployment:
        [pair] = enrol_pairs(deployment, folder / "people", 1)
        _send(pair, logged=True)  # the first one meets the recipient's keys
        turns = [(_send(pair, logged=True), _send(pair, logged=False)) for _ in range(LETTERS)]
    logged, bare = (statistics.median(each) for each in zip(*turns, strict=True))
    return {
        "send_p50_ms": logged * 1000,
        "send_without_key_log_p50_ms": bare * 1000,
        "send_key_log_adds_ms": statistics.median(one - other for one, other in turns) * 1000,
        "send_with_key_log_to_without": logged / bare,
    }


def _send(pair: Pair, *, logged: bool) -> float:
    """One letter; seconds from the draft until it was accepted."""
    draft = Draft(
        body=io.BytesIO(b"x" * BODY_BYTES),
        media_type="text/plain",
        consent=pair.consent,
        purpose=Purpose.TREATMENT,
        information=frozenset({Information.COORDINATION}),
        sensitivity=frozenset({Sensitivity.GENERAL}),
    )
    sender = pair.sender
    sender.colleagues.key_log = sender.key_log if logged else None
    sender.key_log.forget()
    began = time.perf_counter()
    sender.letters.send(draft)
    return time.perf_counter() - began
