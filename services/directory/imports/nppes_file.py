"""The NPPES file on a disk: as it was unpacked, or still inside of the archive that is downloaded.

Owns which file of the archive it is, by what it is known again, and its lines, read one at a time in little memory.
Refuses to let a line run on: one that is too long is counted, and its end is looked for.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

# Beside it lie files of other names, other places and end points, and one with the header alone.
_IN_ARCHIVE = re.compile(r"(?:.*/)?npidata_pfile_[^/]*\.csv", re.IGNORECASE)
_HEADER_ALONE = re.compile(r"file_?header", re.IGNORECASE)
# All columns at their longest are about ten thousand characters.
MAX_LINE = 64 * 1024
_BUFFER = 1024 * 1024
# Of the beginning, with the length, a file is known again: no two of them have both.
_BEGINNING = 1024 * 1024


class FileError(ValueError):
    """The file is not what it should be: the message says what is wrong, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Line:
    """One line. `number` counts from 1, `end` are the bytes up to where the next one begins; `data` is None for a line
    longer than `MAX_LINE`.
    """

    number: int
    end: int
    data: bytes | None


@dataclass(frozen=True)
class Source:
    """A file to import. `member` is its name inside of an archive; `size` its bytes, unpacked."""

    path: Path
    member: str | None
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """As people know it."""
        return Path(self.member or self.path.name).name

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The bytes from the beginning. Raises `FileError` for an archive that is damaged."""
        with _opened(self.path, self.member) as stream:
            yield stream


def source(path: Path) -> Source:
    """What is to be read. Raises `FileError`, OSError."""
    if not zipfile.is_zipfile(path):
        return _known(path, None, path.stat().st_size)
    with _damage_told(path), zipfile.ZipFile(path) as archive:
        fitting = [each for each in archive.infolist() if _is_wanted(each.filename)]
    if len(fitting) != 1:
        found = ", ".join(each.filename for each in fitting) or "no npidata_pfile_….csv"
        raise FileError(f"{path.name}: holds {found}", "unpack the file that is meant, and name that")
    return _known(path, fitting[0].filename, fitting[0].file_size)


def lines(stream: BinaryIO, number: int, offset: int) -> Iterator[Line]:
    """The lines after the one of that number, which ended at `offset` bytes."""
    while data := stream.readline(MAX_LINE + 1):
        whole = len(data) <= MAX_LINE
        number, offset = number + 1, offset + len(data)
        while not whole and not data.endswith(b"\n") and (data := stream.readline(_BUFFER)):
            offset += len(data)
        yield Line(number, offset, data if whole else None)


def _is_wanted(name: str) -> bool:
    return bool(_IN_ARCHIVE.fullmatch(name)) and not _HEADER_ALONE.search(name)


def _known(path: Path, member: str | None, size: int) -> Source:
    with _opened(path, member) as stream:
        beginning = stream.read(_BEGINNING)
    return Source(path, member, size, hashlib.sha256(b"%d\n%b" % (size, beginning)).hexdigest())


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[BinaryIO]:
    if member is None:
        with path.open("rb", buffering=_BUFFER) as plain:
            yield plain
        return
    with _damage_told(path), zipfile.ZipFile(path) as archive, _unpacked(archive, member) as packed:
        yield io.BufferedReader(packed, _BUFFER)  # type: ignore[type-var]


def _unpacked(archive: zipfile.ZipFile, member: str) -> IO[bytes]:
    try:
        return archive.open(member)
    except (NotImplementedError, RuntimeError) as error:  # a way of packing, or a password
        hint = "unpack it with another tool, and name the CSV"
        raise FileError(f"{member}: cannot be unpacked here", hint) from error


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FileError(f"{path.name}: the archive is damaged", "download it again") from error
