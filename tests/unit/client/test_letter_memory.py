"""A letter of any size passes in constant memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# What a process may take at its peak, the interpreter and all imports included.
LIMIT_MIB = 64
SCRIPT = """
import sys
from pathlib import Path
from tests.unit.client.people import Clinician, address
from concord.letter import open_letter, seal

folder = Path(sys.argv[1])
ana, noor = Clinician(), Clinician()
with (folder / "letter").open("wb") as target:
    seal(target, body=folder / "body", media_type="application/pdf", address=address(ana, noor),
         signing_key=ana.keyring.signing_key(), recipients={noor.id: noor.entry}, own_entry=ana.entry)
for target in (folder / "opened", (folder / "streamed").open("wb")):
    with (folder / "letter").open("rb") as source:
        open_letter(source, identities=noor.keyring.encryption_identities(), reader=noor.id,
                    sender_history=ana.entry, target=target)
# VmHWM is this process's own peak; getrusage would count that of the parent it was forked from.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.parametrize("mebibytes", [96, pytest.param(256, marks=pytest.mark.long)])
def test_a_large_letter_is_sealed_and_opened_within_64_mib(mebibytes: int, tmp_path: Path) -> None:
    """In a process of its own; the body is longer than the limit."""
    with (tmp_path / "body").open("wb") as body:
        for number in range(mebibytes):
            body.write(number.to_bytes(4, "big") * (256 * 1024))
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= LIMIT_MIB
    for opened in ("opened", "streamed"):
        assert (tmp_path / opened).stat().st_size == mebibytes * 1024 * 1024
