"""The secrets of a deployment: made once, kept, and a former key of the account nowhere."""

from __future__ import annotations

import json
import os
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from deploy.make_secrets import main
from services.chassis.config import SERVICES
from services.chassis.log_key import rotate_log_key
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


def test_no_file_holds_a_former_key_of_the_key_log_after_a_rotation(folder: Path) -> None:
    place = folder / "directory" / "key-log.jwk"
    former = private(place)
    rotate_log_key(place, "concord.example/directory/log")
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
    for place in ("consent/account.jwk", "directory/key-log.jwk"):
        assert (folder / place).stat().st_mode & 0o777 == 0o644
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://concord.example", x509.DNSName("concord.example")),
        ("https://192.0.2.7:8443", x509.IPAddress(ip_address("192.0.2.7"))),
        ("https://[2001:db8::7]", x509.IPAddress(ip_address("2001:db8::7"))),
    ],
)
def test_the_certificate_names_an_address_as_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, name: x509.GeneralName
) -> None:
    monkeypatch.setenv("CONCORD_BASE_URL", origin)
    main(tmp_path / ".secrets")
    made = x509.load_pem_x509_certificate((tmp_path / ".secrets" / "gateway" / "tls.crt").read_bytes())
    assert list(made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value) == [name]


@pytest.mark.parametrize("written", [1, 5, 9])
def test_a_run_that_was_cut_short_leaves_no_half_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    folder, room = tmp_path / ".secrets", iter([None] * written)

    def full(_: int) -> None:
        if next(room, "none") == "none":
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            main(folder)
    names = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"}
    main(folder)
    assert len(names) >= written
    assert [path for path in contents(folder).values() if not path] == []
    assert {len((folder / "postgresql" / name).read_text()) for name in ("superuser", *SERVICES)} == {48}
    assert not list(folder.rglob("*.part"))
