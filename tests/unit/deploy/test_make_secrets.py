"""The secrets of a deployment: made once, kept, and a former key of the account nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.make_secrets import main
from services.consent.account_key import make_account_key, rotate_account_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".secrets"
    main(made)
    return made


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def private(path: Path) -> str:
    """The private part of a key."""
    found: str = json.loads(path.read_text())["d"]
    return found


def test_a_second_run_changes_nothing(folder: Path) -> None:
    before = contents(folder)
    main(folder)
    assert contents(folder) == before


def test_no_file_holds_a_former_key_of_the_account_after_a_rotation(folder: Path) -> None:
    place = folder / "consent" / "account.jwk"
    former = private(place)
    rotate_account_key(place)
    main(folder)
    assert private(place) != former
    assert [name for name, text in contents(folder).items() if former in text] == []


def test_the_copy_that_an_older_version_kept_is_removed(folder: Path) -> None:
    place, copy = folder / "consent" / "account.jwk", folder / "keys" / "account.jwk"
    make_account_key(copy)
    kept = private(place)
    main(folder)
    assert (private(place), copy.exists()) == (kept, False)


def test_the_copy_becomes_the_key_where_there_is_no_other(folder: Path) -> None:
    """Of a deployment whose secrets an older version began to make."""
    place, copy = folder / "consent" / "account.jwk", folder / "keys" / "account.jwk"
    place.rename(copy)
    kept = private(copy)
    main(folder)
    assert (private(place), copy.exists()) == (kept, False)


def test_a_container_of_another_user_reads_the_key(folder: Path) -> None:
    assert (folder / "consent" / "account.jwk").stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o700
