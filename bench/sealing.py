"""What a letter costs its sender and its reader, and the memory of one of 256 MiB.

Owns the client's figures for whole letters: statement, hybrid signature, address, age file. Refuses the figures of
the bare format: those are `age_stream.py`'s.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from concord.keyring import Keyring

from .large_letter import open_own, seal_own

LETTER_BYTES = 16 * 1024
LETTERS = 100
MIB = 1024 * 1024
LARGE_MIB = 256


def measure(folder: Path) -> dict[str, float]:
    """Every figure of this part."""
    peaks = _large(folder)
    keyring = Keyring.create(uuid4())
    body, sealed = io.BytesIO(os.urandom(LETTER_BYTES)), io.BytesIO()
    seal_own(keyring, body, sealed)
    return {
        "letters_of_16_kib_sealed_per_second": _rate(lambda: seal_own(keyring, body, io.BytesIO())),
        "letters_of_16_kib_opened_per_second": _rate(
            lambda: open_own(keyring, io.BytesIO(sealed.getvalue()), io.BytesIO())
        ),
        "letter_of_256_mib_seal_peak_mib": peaks["seal"],
        "letter_of_256_mib_open_peak_mib": peaks["open"],
    }


def _rate(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(LETTERS):
        work()
    return LETTERS / (time.perf_counter() - started)


def _large(folder: Path) -> dict[str, float]:
    """Seal and open a letter of 256 MiB, each in a process of its own; the peak of its memory in MiB."""
    with (folder / "large.bin").open("wb") as target:
        for _ in range(LARGE_MIB):
            target.write(os.urandom(MIB))
    peaks = {}
    for step in ("seal", "open"):
        line = [sys.executable, "-m", "bench.large_letter", step, str(folder)]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        peaks[step] = float(json.loads(done.stdout)["peak"])
    return peaks
