"""`make backup`: one consistent copy of all three databases, while everything runs.

Owns the copy, its manifest and the pruning of the archive behind it. The three databases are one PostgreSQL cluster,
and its base backup is of one instant of all of them: no consent that messaging acts on is missing beside it. Refuses to
leave half a backup under a backup's name, and to copy `.secrets`, which belong into another safe than the data.

The broker is not in it: what waits there is either in a feed, which followers ask for again, or a line of an account,
which the consent service asks messaging for again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from .compose import ROOT, SERVICES, ComposeError, compose, fail, primary, say, sql

DATA = "base.tar.gz"
MANIFEST = "manifest.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup is of. `wal` is the first segment of the archive that it needs to come forward."""

    made_at: str
    sha256: str
    size: int
    wal: str
    versions: dict[str, str]


def backup(folder: Path) -> Path:
    """Make a backup in a new folder of `folder`, named by its time; where it is. Raises `ComposeError`, OSError."""
    made_at = datetime.now(UTC)
    place = folder / made_at.strftime("%Y-%m-%dT%H%M%SZ")
    part = place.with_suffix(".part")
    part.mkdir(mode=0o700, parents=True)
    try:
        wal = sql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        versions = {service: sql("SELECT version_num FROM alembic_version", service) for service in SERVICES}
        sha256, size = _copy(part / DATA)
        manifest = Manifest(made_at.isoformat(timespec="seconds"), sha256, size, wal, versions)
        (part / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
        part.rename(place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return place


def read_manifest(place: Path) -> Manifest:
    """The manifest of a backup whose bytes are as they were. Raises ValueError, OSError."""
    manifest = Manifest(**json.loads((place / MANIFEST).read_text()))
    digest = hashlib.sha256()
    with (place / DATA).open("rb") as data:
        while chunk := data.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != manifest.sha256:
        raise ValueError(f"{place / DATA} is not what its manifest says: it was cut short or changed")
    return manifest


def backups(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all backups but the newest `keep`, and what the archive holds from before the oldest of those."""
    gone = backups(folder)[:-keep]
    for place in gone:
        shutil.rmtree(place)
    oldest = read_manifest(backups(folder)[0]).wal
    words = ("pg_archivecleanup", "/var/lib/postgresql/data/wal", oldest)
    compose("exec", "-T", "postgresql-archive", *words)
    return gone


def _copy(target: Path) -> tuple[str, int]:
    """Stream a base backup into a file; its SHA-256 and size. The write-ahead log that it needs is in it."""
    line = ["docker", "compose", "exec", "-T", primary(), "pg_basebackup", "-U", "postgres"]
    line += ["--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--no-password"]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:  # noqa: S603
        assert running.stdout is not None  # noqa: S101 - asked for above
        with gzip.open(target, "wb", compresslevel=3) as packed:
            shutil.copyfileobj(running.stdout, packed, _CHUNK)
        said = running.stderr.read().decode(errors="replace").strip() if running.stderr else ""
    if running.returncode:
        raise ComposeError(f"pg_basebackup: {said.splitlines()[-1] if said else 'no reason given'}")
    target.chmod(0o600)
    digest = hashlib.sha256()
    with target.open("rb") as data:
        while chunk := data.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest(), target.stat().st_size


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
        gone = prune(told.folder, told.keep)
    except (ComposeError, OSError, ValueError) as error:
        fail(str(error), "is the deployment up (`make ps`), and is there room in the folder? Nothing was replaced")
    say(f"{place}  {manifest.size // 1024} KiB, {len(gone)} older ones removed")
    say("Keep a copy of .secrets in another safe: without its keys the account of disclosures cannot go on.")


if __name__ == "__main__":
    main()
