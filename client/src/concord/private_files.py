"""Files that only their owner may read, written whole or not at all.

Owns the modes (0600, directories 0700), the temporary file beside the target, the flush to the disk, the replacement
in one step, and a lock between processes. Refuses to know what is in a file.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

# The ending of a file that is not whole yet: whoever finds one after a crash may delete it.
PARTIAL = ".partial"


def make_directory(path: Path) -> None:
    """Make a directory that only its owner may enter, and its parents; an existing one is narrowed to its owner."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file (mode 0600) that becomes `path` when the block ends well, and is removed when it does not.

    It is on the disk before it takes the name; what had the name before is replaced in the same step.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=PARTIAL)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield cast(BinaryIO, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_directory(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` against other processes of this machine; waits for as long as another holds it."""
    with path.open("ab") as file:
        _lock(file.fileno())
        yield  # closing the file gives the lock back


def _flush_directory(directory: Path) -> None:
    # A rename lasts only once its directory is on the disk; Windows has no such call, and needs none.
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


__all__ = ["PARTIAL", "locked", "make_directory", "replacing"]
