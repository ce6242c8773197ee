"""Settings: read once, checked whole, secrets from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.chassis.config import Settings, load_settings

NEEDED = {
    "CONCORD_DATABASE_URL": "postgresql+psycopg://concord:hunter2@db/consent",
    "CONCORD_BASE_URL": "https://concord.example/",
    "CONCORD_SERVICE_KEY_FILE": "/run/secrets/consent.jwk",
    "CONCORD_SERVICE_KEYS_FILE": "/run/secrets/services.jwks",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_addresses_follow_from_the_origin(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings("consent")
    assert settings.public_url == "https://concord.example/consent"
    assert settings.issuer == "https://concord.example/directory"
    assert settings.directory_url == "https://concord.example/directory"


def test_a_peer_may_answer_elsewhere_inside_the_deployment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONCORD_DIRECTORY_URL", "http://directory:8000")
    settings = load_settings("consent")
    assert settings.directory_url == "http://directory:8000"
    assert settings.issuer == "https://concord.example/directory", "clients still see the origin"


def test_a_secret_may_come_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("CONCORD_DATABASE_URL")
    (tmp_path / "concord_database_url").write_text("postgresql+psycopg://from-a-file/consent\n")
    environment.setenv("CONCORD_SECRETS_DIR", str(tmp_path))
    assert load_settings("consent").database_url == "postgresql+psycopg://from-a-file/consent"


def test_a_password_is_not_shown(environment: pytest.MonkeyPatch) -> None:
    assert "hunter2" not in repr(load_settings("consent"))


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_what_is_missing_is_named(environment: pytest.MonkeyPatch, missing: str) -> None:
    environment.delenv(missing)
    with pytest.raises(ValidationError) as refusal:
        load_settings("consent")
    assert missing.removeprefix("CONCORD_").lower() in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONCORD_BASE_URL", "concord.example"),
        ("CONCORD_BASE_URL", "ftp://concord.example"),
        ("CONCORD_BASE_URL", "https://concord.example?x=1"),
        ("CONCORD_LEASE_SECONDS", "0"),
        ("CONCORD_LEASE_SECONDS", "3600"),
        ("CONCORD_LETTER_MAX_BYTES", "-1"),
        ("CONCORD_LONG_POLL_MAX_SECONDS", "600"),
    ],
)
def test_a_dangerous_value_is_refused(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(ValidationError):
        load_settings("consent")


def test_failpoints_need_a_second_word(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONCORD_FAILPOINTS", "outbox.after_publish=exit")
    with pytest.raises(ValidationError, match="failpoints"):
        load_settings("consent")
    environment.setenv("CONCORD_TEST_FAILPOINTS_ALLOWED", "1")
    assert load_settings("consent").failpoints == "outbox.after_publish=exit"


def test_settings_do_not_change(environment: pytest.MonkeyPatch) -> None:
    settings: Any = load_settings("consent")
    with pytest.raises(ValidationError):
        settings.lease_seconds = 60.0
    assert isinstance(settings, Settings)
