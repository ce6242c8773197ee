"""A backup as it lies in its folder: the data, and a manifest that says what it is of.

Owns the names and the manifest's form. Refuses data that is not what its manifest says.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

DATA = "base.tar.gz"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a backup is of. `wal` is the first segment of the archive that it needs to come forward."""

    made_at: str
    sha256: str
    size: int
    wal: str
    versions: dict[str, str]


def backups(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}") if path.parent.suffix != ".part")


def manifest_of(place: Path) -> Manifest:
    """The manifest of a backup, by its word. Raises ValueError, OSError."""
    path = place / MANIFEST
    try:
        return Manifest(**json.loads(path.read_text()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is no manifest of a backup: {error}") from None


def read_manifest(place: Path) -> Manifest:
    """The manifest of a backup whose bytes are as they were. Raises ValueError, OSError."""
    manifest = manifest_of(place)
    if sha256(place / DATA) != manifest.sha256:
        raise ValueError(f"{place / DATA} is not what its manifest says: it was cut short or changed")
    return manifest


def write_manifest(place: Path, manifest: Manifest) -> Path:
    """Write it beside the data; where. Raises OSError."""
    path = place / MANIFEST
    path.write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    return path


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
