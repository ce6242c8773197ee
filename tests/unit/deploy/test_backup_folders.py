"""Backups in more than one folder: where they may go, and what of the archive stays for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import backup, kept, remembered
from deploy.backup_files import DATA, Manifest, backups, read_manifest, sha256, write_manifest
from deploy.compose import ComposeError

Made = Callable[..., Path]


def segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{0:08X}{number:08X}"


def lies(folder: Path, day: int, wal: str) -> Path:
    """A backup of a day of November."""
    place = folder / f"2026-11-{day:02}T031500Z"
    place.mkdir(parents=True)
    (place / DATA).write_bytes(b"data")
    write_manifest(place, Manifest(f"2026-11-{day:02}T03:15:00+00:00", sha256(place / DATA), 4, wal, {}))
    return place


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """From where on the archive was told to keep what it has."""
    told: list[str] = []
    monkeypatch.setattr(kept, "compose", lambda *words: told.append(words[-1]))
    monkeypatch.setattr(remembered, "FOLDER", tmp_path / ".deployment")
    return told


def test_one_folder_alone_keeps_what_its_oldest_backup_needs(cleaned: list[str], tmp_path: Path) -> None:
    made = [lies(tmp_path, day, segment(day)) for day in (1, 2, 3)]
    assert kept.prune(tmp_path, 2) == made[:1]
    assert backups(tmp_path) == made[1:]
    assert cleaned == [segment(2)]


def test_the_archive_keeps_what_any_folder_needs(cleaned: list[str], tmp_path: Path) -> None:
    for folder, days in (("one", (1, 2)), ("two", (3,))):
        for day in days:
            lies(tmp_path / folder, day, segment(day))
        kept.prune(tmp_path / folder, 14)
    assert cleaned == [segment(1), segment(1)]


def test_a_segment_is_older_by_its_number_and_not_by_its_timeline(cleaned: list[str], tmp_path: Path) -> None:
    """A restore of an older backup goes on from there, on a newer timeline."""
    lies(tmp_path, 1, segment(9))
    lies(tmp_path, 2, segment(4, timeline=2))
    kept.prune(tmp_path, 14)
    assert cleaned == [segment(4, timeline=2)]


def test_a_folder_that_is_not_mounted_today_keeps_what_it_needs_and_is_named(
    cleaned: list[str], tmp_path: Path
) -> None:
    lies(tmp_path / "disk" / "concord", 1, segment(1))
    kept.prune(tmp_path / "disk" / "concord", 14)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    lies(tmp_path / "here", 2, segment(2))
    kept.prune(tmp_path / "here", 14)
    assert cleaned[-1] == segment(1)
    assert kept.away() == [str(tmp_path / "disk" / "concord")]


def test_the_newest_backup_of_each_folder_is_remembered(cleaned: list[str], tmp_path: Path) -> None:
    for day in (1, 2):
        lies(tmp_path / "backups", day, segment(day))
    kept.record(tmp_path / "backups")
    assert json.loads((tmp_path / ".deployment" / "backups.json").read_text()) == {
        str(tmp_path / "backups"): {
            "newest": str(tmp_path / "backups" / "2026-11-02T031500Z"),
            "made_at": "2026-11-02T03:15:00+00:00",
            "wal": segment(1),
        }
    }
    assert (tmp_path / ".deployment" / ".gitignore").read_text() == "*\n"


def test_a_backup_that_nobody_can_restore_needs_nothing(cleaned: list[str], tmp_path: Path) -> None:
    for day in (1, 2):
        lies(tmp_path, day, segment(day))
    (tmp_path / "2026-11-01T031500Z" / "manifest.json").write_text("")
    kept.prune(tmp_path, 14)
    assert cleaned == [segment(2)]


def test_what_somebody_made_of_the_entries_is_named(cleaned: list[str], tmp_path: Path) -> None:
    lies(tmp_path, 1, segment(1))
    kept.record(tmp_path)
    (tmp_path / ".deployment" / "backups.json").write_text("{,}")
    with pytest.raises(OSError, match=r"backups\.json cannot be read"):
        kept.prune(tmp_path, 14)
    assert cleaned == []


def test_half_a_backup_is_none(tmp_path: Path) -> None:
    lies(tmp_path, 1, segment(1)).rename(tmp_path / "2026-11-01T031500Z.part")
    assert backups(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"made_at": 1, "other": 2}'])
def test_a_manifest_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    place = lies(tmp_path, 1, segment(1))
    (place / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json is no manifest"):
        read_manifest(place)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, cleaned: list[str], tmp_path: Path) -> Made:
    """`make backup`, of a PostgreSQL that has nothing much."""
    monkeypatch.setattr(backup, "USUAL", tmp_path / "backups")
    monkeypatch.setattr(backup, "sql", lambda query, database="postgres": segment(7))
    monkeypatch.setattr(backup, "_copy", lambda target: target.write_bytes(b"data"))

    def make(folder: Path) -> Path:
        monkeypatch.setattr("sys.argv", ["backup", str(folder)])
        backup.main()
        return backups(folder)[-1]

    return make


def test_the_usual_folder_is_made(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_manifest(made(tmp_path / "backups")).wal == segment(7)
    assert list(remembered.recall(remembered.BACKUPS)) == [str(tmp_path / "backups")]
    assert "not there" not in capsys.readouterr().out


def test_another_folder_is_not_made_since_its_disk_may_not_be_mounted(made: Made, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: there is no folder .*nas/concord: mount its disk"):
        made(tmp_path / "nas" / "concord")
    assert not (tmp_path / "nas").exists()
    (tmp_path / "nas" / "concord").mkdir(parents=True)
    assert made(tmp_path / "nas" / "concord").exists()


def test_a_backup_is_made_though_what_is_too_old_cannot_be_removed(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*words: str) -> str:
        raise ComposeError("postgresql-archive is not running")

    monkeypatch.setattr(kept, "compose", away)
    with pytest.raises(SystemExit, match=r"not running\nhint: .*Z is made, and whole"):
        made(tmp_path / "backups")
    assert len(backups(tmp_path / "backups")) == 1


def test_a_folder_that_is_away_is_told(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made(disk)
    disk.rename(tmp_path / "unmounted")
    made(tmp_path / "backups")
    assert f"The backups in {disk} are not there" in capsys.readouterr().out
