"""`make backup`: one consistent copy of all three databases, while everything runs.

Owns the copy and what is said of it. The three databases are one PostgreSQL cluster, and its base backup is of one
instant of all of them: no consent that messaging acts on is missing beside it. Refuses to leave half a backup under a
backup's name, to make a folder where a disk should be mounted, and to copy `.secrets`, which belong into another safe
than the data.

The broker is not in it: what waits there is either in a feed, which followers ask for again, or a line of an account,
which the consent service asks messaging for again.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from .backup_files import DATA, Manifest, read_manifest, sha256, write_manifest
from .compose import ROOT, SERVICES, ComposeError, fail, primary, say, sql
from .kept import away, prune, record
from .remembered import BACKUPS, FOLDER, flush

USUAL = ROOT / "backups"
_CHUNK = 1 << 20
# The copy ends with the log of changes that were made meanwhile, so none of it may go before: a slot holds it, which
# ends with the session that made it, however this ends. `read` waits for it; its own error ends psql, and so this.
# Something must follow pg_basebackup: bash would become the last command, and close the session's input with itself.
_COPY = """
set -eu
coproc psql -U postgres -AtqX -v ON_ERROR_STOP=1
echo "SELECT pg_create_physical_replication_slot('backup_$$', true, true);" >&"${COPROC[1]}"
read -r _ <&"${COPROC[0]}"
pg_basebackup -U postgres --pgdata=- --format=tar --wal-method=fetch --checkpoint=fast --no-password
session=${COPROC[1]}
exec {session}>&-
wait
"""


def backup(folder: Path) -> Path:
    """Make a backup in a new folder of `folder`, named by its time; where it is. Raises `ComposeError`, OSError."""
    _be_there(folder)
    made_at = datetime.now(UTC)
    place = folder / made_at.strftime("%Y-%m-%dT%H%M%SZ")
    part = place.with_suffix(".part")
    part.mkdir(mode=0o700)
    try:
        _fill(part, made_at)
        part.rename(place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    flush(folder)
    record(folder)
    return place


def _be_there(folder: Path) -> None:
    """Make the usual folder; another one is where its owner wants it, or its disk is not mounted. Raises OSError."""
    if folder.resolve() == USUAL:
        folder.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: mount its disk, or make it once, with `mkdir {folder}`")


def _fill(part: Path, made_at: datetime) -> None:
    """Everything of a backup into its folder, and onto the disk. Raises `ComposeError`, OSError."""
    wal = sql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    versions = {service: sql("SELECT version_num FROM alembic_version", service) for service in SERVICES}
    data = part / DATA
    _copy(data)
    manifest = Manifest(made_at.isoformat(timespec="seconds"), sha256(data), data.stat().st_size, wal, versions)
    for written in (data, write_manifest(part, manifest), part):
        flush(written)


def _copy(target: Path) -> None:
    """Stream a base backup into a file. The write-ahead log that it needs is in it. Raises `ComposeError`, OSError."""
    line = ["docker", "compose", *copying(primary())]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:  # noqa: S603
        assert running.stdout is not None  # noqa: S101 - asked for above
        with gzip.open(target, "wb", compresslevel=3) as packed:
            shutil.copyfileobj(running.stdout, packed, _CHUNK)
        said = running.stderr.read().decode(errors="replace").strip() if running.stderr else ""
    if running.returncode:
        raise ComposeError(f"pg_basebackup: {said.splitlines()[-1] if said else 'no reason given'}")
    target.chmod(0o600)


def copying(service: str) -> list[str]:
    """What docker compose is told to have a base backup of a service's PostgreSQL on standard output."""
    return ["exec", "-T", service, "bash", "-c", _COPY]


def main() -> None:
    """Make a backup, look at it once more, and remove what is older than those to keep."""
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description=__doc__)
    parser.add_argument("folder", type=Path, help="where backups lie; better on another machine's disk")
    parser.add_argument("--keep", type=int, default=14, help="how many to keep (default 14)")
    told = parser.parse_args()
    if told.keep < 1:
        fail("--keep: must be 1 or more", "a deployment without any backup cannot be restored")
    try:
        place = backup(told.folder)
        manifest = read_manifest(place)
    except (ComposeError, OSError, ValueError) as error:
        fail(
            str(error), "is the deployment up (`make ps`), and is there room in the folder? Older backups are untouched"
        )
    try:
        gone = prune(told.folder, told.keep)
    except (ComposeError, OSError, ValueError) as error:
        fail(str(error), f"{place} is made, and whole: only what is too old was not removed, which the next one does")
    say(f"{place}  {manifest.size // 1024} KiB, {len(gone)} older ones removed")
    for folder in away():
        say(
            f"The backups in {folder} are not there; the archive keeps what they need. Given up for good? Remove that "
            f"folder from {FOLDER / BACKUPS}"
        )
    say("Keep a copy of .secrets in another safe: without its keys the account of disclosures cannot go on.")


if __name__ == "__main__":
    main()
