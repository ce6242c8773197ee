"""Which file is read, and its lines in little memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from services.directory.imports.nppes_file import MAX_LINE, FileError, Line, lines, source
from tests import nppes
from tests.unit.directory.house import House
from tests.unit.directory.importing import Importer, StoppedError, people, stopping_after

NAME = "npidata_pfile_20050523-20261108.csv"


def archive(folder: Path, members: dict[str, bytes], name: str = "NPPES_Data_Dissemination.zip") -> Path:
    """An archive with these files."""
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, data in members.items():
            packed.writestr(member, data)
    return folder / name


def monthly(data: bytes) -> dict[str, bytes]:
    """What lies in the archive of a month."""
    return {
        "NPPES_Data_Dissemination_Readme.pdf": b"%PDF",
        "endpoint_pfile_20050523-20261108.csv": b'"NPI"\n',
        "npidata_pfile_20050523-20261108_FileHeader.csv": nppes.HEADER,
        "npidata_pfile_20050523-20261108_fileheader.csv": nppes.HEADER,
        "othername_pfile_20050523-20261108.csv": b'"NPI"\n',
        "pl_pfile_20050523-20261108.csv": b'"NPI"\n',
        NAME: data,
    }


def test_of_the_archive_of_a_month_the_file_of_the_records_is_read(tmp_path: Path, house: House) -> None:
    found = source(archive(tmp_path, monthly(nppes.HEADER + b"".join(people(1, 2)))))
    assert found.name == NAME
    importer = Importer(house)
    importer.run(found.path)
    assert importer.numbers() == {1, 2}


def test_the_file_may_lie_in_a_folder_of_the_archive(tmp_path: Path) -> None:
    assert source(archive(tmp_path, {f"2026/{NAME}": b"x"})).name == NAME


def test_a_run_goes_on_within_an_archive(tmp_path: Path, house: House) -> None:
    path = archive(tmp_path, monthly(nppes.HEADER + b"".join(people(1, 2, 3, 4, 5))))
    importer = Importer(house)
    with pytest.raises(StoppedError):
        importer.run(path, progress=stopping_after(1))
    assert importer.numbers() == {1, 2, 3}
    assert importer.run(path).resumed_after == 4
    assert importer.numbers() == {1, 2, 3, 4, 5}


def test_an_archive_and_what_is_unpacked_from_it_are_the_same_file(tmp_path: Path) -> None:
    packed = archive(tmp_path, monthly(nppes.HEADER + b"".join(people(1))))
    plain = nppes.write(tmp_path / "unpacked.csv", *people(1))
    assert source(packed).sha256 == source(plain).sha256


@pytest.mark.parametrize("other", [people(1, 2), people(3)], ids=["longer", "another beginning"])
def test_another_file_is_known_as_another(tmp_path: Path, other: list[bytes]) -> None:
    one, two = nppes.write(tmp_path / "one.csv", *people(1)), nppes.write(tmp_path / "two.csv", *other)
    assert source(one).sha256 != source(two).sha256


def test_a_file_that_only_goes_on_longer_is_another(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_bytes(bytes(2 * 1024 * 1024))
    two.write_bytes(bytes(2 * 1024 * 1024 + 1))
    assert source(one).sha256 != source(two).sha256


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"readme.txt": b""}, "holds no npidata_pfile_….csv"),
        ({NAME: b"", f"old/{NAME}": b""}, f"holds {NAME}, old/{NAME}"),
    ],
    ids=["none", "two"],
)
def test_an_archive_without_one_such_file_is_refused(tmp_path: Path, members: dict[str, bytes], said: str) -> None:
    with pytest.raises(FileError, match=said):
        source(archive(tmp_path, members))


def test_a_damaged_archive_is_told_and_keeps_what_was_read_before(tmp_path: Path, house: House) -> None:
    many = b"".join(nppes.realistic(1800))
    path = archive(tmp_path, {NAME: nppes.HEADER + many})
    packed = bytearray(path.read_bytes())
    packed[-3000:-2900] = bytes(100)
    path.write_bytes(packed)
    importer = Importer(house, at_once=500)
    with pytest.raises(FileError, match="the archive is damaged"):
        importer.run(path)
    assert len(importer.found()) >= 490


def test_an_archive_with_a_password_is_to_be_unpacked_first(tmp_path: Path) -> None:
    path = archive(tmp_path, {NAME: nppes.HEADER})
    packed = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(header) + flags] |= 1  # "encrypted" (APPNOTE.TXT, 4.4.4)
    path.write_bytes(packed)
    with pytest.raises(FileError, match="cannot be unpacked here"):
        source(path)


def test_lines_have_their_numbers_and_ends() -> None:
    found = list(lines(io.BytesIO(b"second\r\nthird\nlast"), 1, 10))
    assert found == [Line(2, 18, b"second\r\n"), Line(3, 24, b"third\n"), Line(4, 28, b"last")]


@pytest.mark.parametrize("over", [0, 1, 200_000])
def test_a_line_is_read_up_to_its_limit_and_the_next_is_whole(over: int) -> None:
    long = b"x" * (MAX_LINE - 1 + over) + b"\n"
    found = list(lines(io.BytesIO(long + b"next\n"), 0, 0))
    assert found == [Line(1, len(long), None if over else long), Line(2, len(long) + 5, b"next\n")]


def test_a_line_without_an_end_takes_no_memory() -> None:
    tracemalloc.start()
    found = list(lines(io.BufferedReader(_Endless(64 * 1024 * 1024)), 0, 0))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [Line(1, 64 * 1024 * 1024, None)]
    assert most < 8 * 1024 * 1024


class _Endless(io.RawIOBase):
    """Bytes without a line's end."""

    def __init__(self, left: int) -> None:
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        room = memoryview(buffer)  # type: ignore[arg-type]
        count = min(len(room), self._left)
        room[:count] = bytes(count)
        self._left -= count
        return count
