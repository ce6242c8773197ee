"""What the age format costs: sealing and opening against the bare cipher, and the memory of a file of 256 MiB.

Owns the figures of `concord.age` alone, without letters. Refuses to flatter: cipher and format work over the same
chunks from memory in the same run, the best of three rounds each, and the memory is that of whole processes, imports
included.

    python -m bench.age_stream
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from concord.age import HybridIdentity, decrypt, encrypt
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

MIB = 1024 * 1024
CHUNK_BYTES = 64 * 1024
STREAM_BYTES = 64 * MIB
LARGE_BYTES = 256 * MIB
ROUNDS = 3


def measure(folder: Path) -> dict[str, float]:
    """Every figure: rates in MiB per second, ratios to the cipher, peaks of memory in MiB."""
    # Memory first: on Linux a child's peak begins with that of the process it was forked from, which is small now.
    return _memory(folder) | _rates()


def _rates() -> dict[str, float]:
    identity = HybridIdentity.generate()
    plain, sealed = os.urandom(STREAM_BYTES), io.BytesIO()
    encrypt(io.BytesIO(plain), sealed, [identity.recipient()])
    file = sealed.getvalue()
    raw_seal = _rate(lambda: _raw(plain))
    seal = _rate(lambda: encrypt(io.BytesIO(plain), _nowhere(), [identity.recipient()]))
    armored = _rate(lambda: encrypt(io.BytesIO(plain), _nowhere(), [identity.recipient()], armor=True))
    opened = _rate(lambda: decrypt(io.BytesIO(file), _nowhere(), [identity]))
    return {
        "raw_cipher_mib_per_second": raw_seal,
        "seal_mib_per_second": seal,
        "open_mib_per_second": opened,
        "seal_armored_mib_per_second": armored,
        "seal_to_raw_cipher": seal / raw_seal,
        "open_to_raw_cipher": opened / raw_seal,
    }


def _rate(work: Callable[[], object]) -> float:
    best = min(_seconds(work) for _ in range(ROUNDS))
    return STREAM_BYTES / MIB / best


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _nowhere() -> BinaryIO:
    """A target that costs next to nothing, as the bare cipher has none."""
    return Path(os.devnull).open("wb", buffering=0)


def _raw(plain: bytes) -> None:
    cipher = ChaCha20Poly1305(bytes(32))
    for number, start in enumerate(range(0, len(plain), CHUNK_BYTES)):
        cipher.encrypt(number.to_bytes(12, "big"), plain[start : start + CHUNK_BYTES], None)


def _memory(folder: Path) -> dict[str, float]:
    with (folder / "plain").open("wb") as plain:
        for _ in range(LARGE_BYTES // MIB):
            plain.write(os.urandom(MIB))
    seed = os.urandom(32).hex()
    return {f"{step}_256_mib_peak_mib": _child(step, folder, seed) for step in ("seal", "open")}


def _child(step: str, folder: Path, seed: str) -> float:
    # The seed of a throw-away key goes through standard input all the same: an argument list is no place for one.
    line = [sys.executable, "-m", "bench.age_stream", step, str(folder)]
    return float(subprocess.run(line, input=seed, capture_output=True, text=True, check=True).stdout)


def _one_large_file(step: str, folder: Path) -> None:
    identity = HybridIdentity.from_seed(bytes.fromhex(sys.stdin.read()))
    names = ("plain", "sealed") if step == "seal" else ("sealed", "opened")
    with (folder / names[0]).open("rb") as source, (folder / names[1]).open("wb") as target:
        if step == "seal":
            encrypt(source, target, [identity.recipient()])
        else:
            decrypt(source, target, [identity])
    # Not getrusage: its peak survives exec, and would be that of the process that started this one.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    print(int(peak.split()[1]) / 1024)


def main() -> None:
    """Measure; print one JSON line and a table."""
    with tempfile.TemporaryDirectory(prefix="concord-age-") as folder:
        figures = measure(Path(folder))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):32}{value:10,.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _one_large_file(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
