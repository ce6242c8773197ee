"""What sealing and opening cost against the bare cipher, and the memory of a large document.

Owns the client's figures. Refuses to count an import: the memory is that of a whole process.
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

from concord.age import HybridIdentity, decrypt, encrypt
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK = 64 * 1024
STREAM_BYTES = 64 * 1024 * 1024
LARGE_BYTES = 256 * 1024 * 1024


def measure(folder: Path) -> dict[str, float]:
    """Every figure of this part."""
    identity = HybridIdentity.generate()
    plain = os.urandom(STREAM_BYTES)
    sealed = io.BytesIO()
    raw = _rate(lambda: _raw(plain))
    seal = _rate(lambda: encrypt(io.BytesIO(plain), sealed, [identity.recipient()]))
    opened = _rate(lambda: decrypt(io.BytesIO(sealed.getvalue()), io.BytesIO(), [identity]))
    large = _large(folder)
    return {
        "raw_cipher_mib_per_second": raw,
        "seal_mib_per_second": seal,
        "open_mib_per_second": opened,
        "seal_to_raw_cipher": seal / raw,
        "open_to_raw_cipher": opened / raw,
        "seal_256_mib_peak_mib": large["seal"],
        "open_256_mib_peak_mib": large["open"],
    }


def _rate(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return STREAM_BYTES / (1024 * 1024) / (time.perf_counter() - started)


def _raw(plain: bytes) -> None:
    cipher = ChaCha20Poly1305(bytes(32))
    for start in range(0, len(plain), CHUNK):
        cipher.encrypt(start.to_bytes(12, "big"), plain[start : start + CHUNK], None)


def _large(folder: Path) -> dict[str, float]:
    """Seal and open a whole letter of 256 MiB, each in a process of its own; the peak of its memory in MiB."""
    body = folder / "large.bin"
    with body.open("wb") as target:
        for _ in range(LARGE_BYTES // (1024 * 1024)):
            target.write(os.urandom(1024 * 1024))
    peaks = {}
    for step in ("seal", "open"):
        line = [sys.executable, "-m", "bench.large_letter", step, str(folder)]
        peaks[step] = float(json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)["peak"])
    return peaks
