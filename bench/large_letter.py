"""Seals or opens one letter to oneself, and tells the peak of this process's memory.

Owns the figure for a process that does only this. Refuses a server: what is measured is the client's cryptography.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from concord.keyring import Keyring
from concord.letter import open_letter, seal
from concord_formats.address import Address
from concord_formats.key_entries import read_entry
from concord_formats.vocabulary import Information, Purpose, Sensitivity


def main(step: str, folder: Path) -> None:
    """`seal` makes keys and a letter in `folder`; `open` opens it."""
    path, letter = folder / "keyring.age", folder / "large.letter"
    if step == "seal":
        keyring = Keyring.create(uuid4())
        keyring.save(path, "bench", work_factor=4)
        with letter.open("wb") as target:
            seal_own(keyring, folder / "large.bin", target)
    else:
        with letter.open("rb") as source:
            open_own(Keyring.load(path, "bench"), source, folder / "opened.bin")
    print(json.dumps({"peak": peak_mib()}))


def seal_own(keyring: Keyring, body: Path | BinaryIO, target: BinaryIO) -> None:
    """Seal a letter to oneself."""
    letter, entry = uuid4(), read_entry(keyring.first_entry)
    address = Address(
        v=1,
        letter=letter,
        sender=keyring.account,
        device=keyring.device,
        recipients=(keyring.account,),
        patient="pt_" + "a" * 26,
        consent=uuid4(),
        consent_version=1,
        purpose=Purpose.TREATMENT,
        information=frozenset({Information.COORDINATION}),
        sensitivity=frozenset({Sensitivity.GENERAL}),
        thread=letter,
        sealed_at=datetime.now(UTC),
    )
    seal(
        target,
        body=body,
        media_type="application/octet-stream",
        address=address,
        signing_key=keyring.signing_key(),
        recipients={keyring.account: entry},
        own_entry=entry,
    )


def open_own(keyring: Keyring, source: BinaryIO, target: Path | BinaryIO) -> None:
    """Open a letter to oneself, with every check."""
    open_letter(
        source,
        identities=keyring.encryption_identities(),
        reader=keyring.account,
        sender_history=lambda _: [keyring.first_entry],
        target=target,
    )


def peak_mib() -> float:
    """The peak of this process's resident memory. Not getrusage: its figure survives exec and would be the parent's."""
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
