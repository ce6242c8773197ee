"""What the operator's programs know from one run to the next: `.deployment`, beside docker-compose.yml.

Owns its files: each is whole at every moment, and on the disk once it is written. Refuses secrets, so that anybody on
the machine may read it; and Git, by a file within, since it tells of this machine alone.

`backups.json` has an entry for each folder that backups went to: the newest one, when it was made, and the first
segment of the archive that any backup there needs. `restore.json` is there while a restore is under way, `fence.json`
from the moment when `make promote` fences a primary off until a restore makes another one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .compose import ROOT

FOLDER = ROOT / ".deployment"
BACKUPS = "backups.json"
RESTORE = "restore.json"
FENCE = "fence.json"


def recall(name: str) -> dict[str, Any]:
    """What was written under a name; empty where nothing was. Raises OSError, also for what somebody made of it."""
    path = FOLDER / name
    try:
        return dict(json.loads(path.read_text())) if path.exists() else {}
    except ValueError as error:
        raise OSError(f"{path} cannot be read: {error}. Mend it") from None


def remember(name: str, what: dict[str, Any]) -> None:
    """Write it in the place of what was there. Raises OSError."""
    _folder()
    part = FOLDER / f"{name}.part"
    part.write_text(json.dumps(what, indent=1) + "\n")
    flush(part)
    part.replace(FOLDER / name)
    flush(FOLDER)


def forget(name: str) -> None:
    """Remove it. Raises OSError."""
    (FOLDER / name).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        flush(FOLDER)


@contextmanager
def alone() -> Iterator[None]:
    """Others who would change what is remembered wait meanwhile. Raises OSError."""
    _folder()
    with (FOLDER / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def flush(path: Path) -> None:
    """Until a file, or the names in a folder, are on the disk: a power cut leaves them there. Raises OSError."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError:
        # Some file systems of networks do not know it of folders, and have them when they have answered.
        if not path.is_dir():
            raise
    finally:
        os.close(opened)


def _folder() -> None:
    FOLDER.mkdir(exist_ok=True)
    if not (FOLDER / ".gitignore").exists():
        (FOLDER / ".gitignore").write_text("*\n")
