"""Where the command reads from and writes to.

Owns standard streams, bounded key files, and outputs that get their name only when they are whole and verified. Refuses
to write over a key, and to put a file in the place of a device.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import AgeError, KeyFormatError

STANDARD = Path("-")
# Thousands of keys fit; a wrong file given as a key file (or /dev/zero) does not fill the memory.
MAX_KEY_FILE_BYTES = 1024 * 1024


@contextlib.contextmanager
def open_input(path: Path | None) -> Iterator[BinaryIO]:
    """A file, or standard input for none and for `-`. Raises `OSError`."""
    if path is None or path == STANDARD:
        yield sys.stdin.buffer
        return
    with path.open("rb") as source:
        yield source


def read_key_file(path: Path) -> bytes:
    """A file of identities, recipients or a passphrase, up to 1 MiB. Raises `OSError`, `KeyFormatError`."""
    with open_input(path) as source:
        content = source.read(MAX_KEY_FILE_BYTES + 1)
    if len(content) > MAX_KEY_FILE_BYTES:
        raise KeyFormatError(f"{path} is too large for a key file")
    return content


@contextlib.contextmanager
def open_output(path: Path | None, *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A file that gets its name only when the block ends well, or standard output for none and for `-`.

    The file is readable by its owner alone. Raises `OSError`, and `AgeError` for a key that would be overwritten.
    """
    if path is None or path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = path.resolve()  # a link keeps pointing where it pointed
    if not overwrite and place.exists():
        raise AgeError(f"{path} is there already; it may be the only copy of a key")
    if place.exists() and not place.is_file():  # a device or a pipe takes bytes, but cannot be renamed to
        with place.open("wb") as device:
            yield device
        return
    with _renamed_at_end(place) as target:
        yield target


@contextlib.contextmanager
def _renamed_at_end(place: Path) -> Iterator[BinaryIO]:
    descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target
            target.flush()
            os.fsync(descriptor)  # the name must not come back from a crash without its content
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
