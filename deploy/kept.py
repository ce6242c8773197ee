"""What the archive has to keep for the backups that there are, in whatever folders they lie.

Owns the pruning: of a folder's old backups, and of the archive from before the oldest backup of all folders. Refuses to
take a folder that does not answer for one without backups: a disk that is not mounted today is tomorrow.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from .archive import FOLDER, WAL, number
from .backup_files import Manifest, backups, manifest_of
from .compose import compose
from .remembered import BACKUPS, alone, recall, remember


def record(folder: Path) -> None:
    """Remember a folder's newest backup, and what of the archive its backups need. Raises OSError."""
    folder = folder.resolve()
    manifests: dict[Path, Manifest] = {}
    for place in backups(folder):
        with suppress(ValueError):  # nothing can be restored from it, so it needs nothing
            manifests[place] = manifest_of(place)
    newest = max(manifests, key=lambda place: manifests[place].made_at)
    wal = min((each.wal for each in manifests.values()), key=number)
    entry = {"newest": str(newest), "made_at": manifests[newest].made_at, "wal": wal}
    with alone():
        remember(BACKUPS, recall(BACKUPS) | {str(folder): entry})


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all backups of a folder but the newest `keep`, and what of the archive no folder's backups need.

    What was removed. Raises `ComposeError`, OSError.
    """
    gone = backups(folder)[:-keep]
    for place in gone:
        shutil.rmtree(place)
    record(folder)
    oldest = min((entry["wal"] for entry in recall(BACKUPS).values()), key=number)
    compose("exec", "-T", "postgresql-archive", "pg_archivecleanup", f"{FOLDER}/{WAL}", oldest)
    return gone


def away() -> list[str]:
    """The folders whose newest backup is not there: the archive keeps what those need. Raises OSError."""
    return [folder for folder, entry in recall(BACKUPS).items() if not Path(entry["newest"]).exists()]
