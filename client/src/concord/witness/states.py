"""What a witness keeps on its disk: for each log the checkpoint cosigned last, and evidence against it.

Owns the files and the lock between processes. Refuses to forget: a file that cannot be read is an error and never the
beginning, and nothing is answered before it is on the disk. Layout: `witness.json` (whose state this is),
`logs/<log>.json` with `<log>.lock` beside it, `evidence/<log>/<kind>-<checkpoint>.json`; `<log>` and `<checkpoint>` are
the beginnings of SHA-256 of the origin and of the checkpoint's text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concord_formats.notes import Checkpoint, NoteError, unverified_text

from ..errors import WitnessStateError
from ..private_files import locked, make_directory, replacing
from .judgement import EVIDENCE, Verdict

# Only the log can make a fork, so that many are kept. What is unproved anybody can send: few are kept, and apart.
MAX_EVIDENCE = {Verdict.FORKED: 1000, Verdict.UNPROVED: 100}
_VERSION = 1


@dataclass(frozen=True)
class Cosigned:
    """The checkpoint that was cosigned last: the note as it came, what it says, and when (POSIX seconds)."""

    note: str
    checkpoint: Checkpoint
    at: int


class States:
    """The folder of one witness. Thread-safe, and safe with other processes on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def claim(self, key: str) -> None:
        """Make the folder, for the witness with this verifier key. Raises `WitnessStateError` if it is another's."""
        make_directory(self.folder)
        make_directory(self.folder / "logs")
        make_directory(self.folder / "evidence")
        with locked(self.folder / "witness.lock"):
            path = self.folder / "witness.json"
            if path.exists() and self.key() != key:
                raise WitnessStateError("the folder is the state of a witness with another key")
            # Written again each time: that puts the folders above on the disk as well.
            _write(path, {"key": key})

    def key(self) -> str:
        """The verifier key of the witness whose state this is. Raises `WitnessStateError`, OSError."""
        return str(_read(self.folder / "witness.json", "key")["key"])

    def locked(self, origin: str) -> AbstractContextManager[None]:
        """Hold this log's state against every other thread and process, from the reading to the writing."""
        return locked(self._file(origin).with_suffix(".lock"))

    def last(self, origin: str) -> Cosigned | None:
        """What was cosigned last, or None if nothing ever was. Raises `WitnessStateError`, OSError."""
        path = self._file(origin)
        try:
            cosigned = _cosigned(path)
        except FileNotFoundError:
            return None
        if cosigned.checkpoint.origin != origin:
            raise WitnessStateError(f"{path} is the state of another log")
        return cosigned

    def keep(self, note: str, checkpoint: Checkpoint, at: int) -> None:
        """Put on the disk what is about to be cosigned. Evidence that it was unproved is moot from then on."""
        _write(self._file(checkpoint.origin), {"note": note, "cosigned_at": at})
        self._evidence(Verdict.UNPROVED, checkpoint).unlink(missing_ok=True)

    def keep_evidence(self, verdict: Verdict, note: str, checkpoint: Checkpoint, last: Cosigned | None) -> Path | None:
        """Keep both notes; the file, or None when there are too many of this kind. Once for each checkpoint's text."""
        path = self._evidence(verdict, checkpoint)
        if not path.exists():
            make_directory(path.parent)
            if sum(1 for _ in path.parent.glob(f"{verdict}-*.json")) >= MAX_EVIDENCE[verdict]:
                return None
            _write(path, {"kind": str(verdict), "cosigned": last.note if last else "", "presented": note})
        return path

    def logs(self) -> Iterator[tuple[Cosigned, dict[str, int]]]:
        """Every log that was ever cosigned, and how much evidence of each kind there is against it."""
        for path in sorted((self.folder / "logs").glob("*.json")):
            folder = self.folder / "evidence" / path.stem
            yield _cosigned(path), {kind: sum(1 for _ in folder.glob(f"{kind}-*.json")) for kind in sorted(EVIDENCE)}

    def _file(self, origin: str) -> Path:
        return self.folder / "logs" / f"{_short(origin)}.json"

    def _evidence(self, verdict: Verdict, checkpoint: Checkpoint) -> Path:
        folder = self.folder / "evidence" / _short(checkpoint.origin)
        return folder / f"{verdict}-{_short(checkpoint.encode())}.json"


def _cosigned(path: Path) -> Cosigned:
    members = _read(path, "note", "cosigned_at")
    try:
        return Cosigned(
            members["note"], Checkpoint.parse(unverified_text(members["note"])), int(members["cosigned_at"])
        )
    except (NoteError, TypeError, ValueError):
        raise WitnessStateError(f"{path} holds no checkpoint") from None


def _read(path: Path, *names: str) -> dict[str, Any]:
    try:
        members = json.loads(path.read_bytes())
    except ValueError:
        raise WitnessStateError(f"{path} is no JSON") from None
    if not isinstance(members, dict) or members.get("v") != _VERSION or not all(name in members for name in names):
        raise WitnessStateError(f"{path} is not what a witness of this version writes")
    return members


def _write(path: Path, members: dict[str, Any]) -> None:
    with replacing(path) as file:
        file.write(json.dumps({"v": _VERSION} | members, ensure_ascii=False).encode() + b"\n")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


__all__ = ["MAX_EVIDENCE", "Cosigned", "States"]
