"""Files that hold a private key: whole at every moment, and a wrong one is told by the setting that names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.chassis import key_files
from services.chassis.config import SettingError, load_settings
from services.chassis.log_key import make_log_key
from services.chassis.service_auth import ServiceSigner, ServiceVerifier, make_keys
from services.consent.account_key import AccountKey, make_account_key
from services.directory import checkpoints


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The keys of a deployment, and an environment that names them."""
    make_keys(tmp_path, ["consent"])
    make_account_key(tmp_path / "account.jwk")
    make_log_key(tmp_path / "key-log.jwk")
    monkeypatch.setenv("CONCORD_LOG_KEY_FILE", str(tmp_path / "key-log.jwk"))
    monkeypatch.setenv("CONCORD_DATABASE_URL", "sqlite://")
    monkeypatch.setenv("CONCORD_BASE_URL", "https://concord.example")
    monkeypatch.setenv("CONCORD_SERVICE_KEY_FILE", str(tmp_path / "consent.jwk"))
    monkeypatch.setenv("CONCORD_SERVICE_KEYS_FILE", str(tmp_path / "services.jwks"))
    monkeypatch.setenv("CONCORD_ACCOUNT_KEY_FILE", str(tmp_path / "account.jwk"))
    return tmp_path


@pytest.mark.parametrize("text", ["", "{}", '{"kty": "OKP"}', '{"keys": 7}', "[]", "-----BEGIN PRIVATE KEY-----"])
@pytest.mark.parametrize(
    ("file", "setting", "read"),
    [
        ("consent.jwk", "CONCORD_SERVICE_KEY_FILE", ServiceSigner.from_settings),
        ("services.jwks", "CONCORD_SERVICE_KEYS_FILE", ServiceVerifier.from_settings),
        ("account.jwk", "CONCORD_ACCOUNT_KEY_FILE", AccountKey.from_settings),
        ("key-log.jwk", "CONCORD_LOG_KEY_FILE", checkpoints.key_from),
    ],
)
def test_a_file_that_holds_no_key_is_told_by_its_setting(
    folder: Path, file: str, setting: str, read: object, text: str
) -> None:
    assert callable(read)
    read(load_settings("consent"))
    (folder / file).write_text(text)
    with pytest.raises(SettingError, match=f"^{setting}: the file holds no key of that kind$") as refused:
        read(load_settings("consent"))
    assert "concord-server keys" in refused.value.hint


def test_a_key_is_its_owners_alone_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "key.jwk"
    key_files.write(path, {"a": 1})
    assert path.stat().st_mode & 0o777 == 0o600
    key_files.write(path, {"b": 2}, mode=0o640)
    assert (json.loads(path.read_text()), path.stat().st_mode & 0o777) == ({"b": 2}, 0o640)
    assert [each.name for each in tmp_path.iterdir()] == ["key.jwk"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.jwk"
    key_files.write(path, {"a": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        key_files.write(path, {"b": 2})
    assert json.loads(path.read_text()) == {"a": 1}
