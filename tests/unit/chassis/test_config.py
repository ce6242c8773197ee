"""Settings: read once, checked whole, secrets from files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from concord_formats.cosignatures import WitnessKey
from concord_formats.notes import VerifierKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from services.__main__ import wrong_setting
from services.chassis.config import SettingError, Settings, load_settings, setting_names

NEEDED = {
    "CONCORD_DATABASE_URL": "postgresql+psycopg://concord:hunter2@db/consent",
    "CONCORD_BASE_URL": "https://concord.example/",
    "CONCORD_SERVICE_KEY_FILE": "/run/secrets/consent.jwk",
    "CONCORD_SERVICE_KEYS_FILE": "/run/secrets/services.jwks",
    "CONCORD_ACCOUNT_KEY_FILE": "/run/secrets/account.jwk",
    "CONCORD_LOG_KEY_FILE": "/run/secrets/key-log.jwk",
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


@pytest.mark.parametrize("missing", sorted({*NEEDED} - {"CONCORD_ACCOUNT_KEY_FILE", "CONCORD_LOG_KEY_FILE"}))
def test_what_is_missing_is_named(environment: pytest.MonkeyPatch, missing: str) -> None:
    environment.delenv(missing)
    with pytest.raises(ValidationError) as refusal:
        load_settings("consent")
    assert missing in wrong_setting(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONCORD_BASE_URL", "concord.example"),
        ("CONCORD_BASE_URL", "ftp://concord.example"),
        ("CONCORD_BASE_URL", "https://concord.example?x=1"),
        ("CONCORD_LEASE_SECONDS", "0"),
        ("CONCORD_LEASE_SECONDS", "3600"),
        ("CONCORD_LOG_FRESH_SECONDS", "0"),
        ("CONCORD_LOG_FRESH_SECONDS", "3600"),
        ("CONCORD_LETTER_MAX_BYTES", "-1"),
        ("CONCORD_LONG_POLL_MAX_SECONDS", "600"),
        ("CONCORD_HELD_LETTERS_EXPIRE_DAYS", "3000000"),
        ("CONCORD_OPENED_LETTERS_KEPT_DAYS", "999999"),
        ("CONCORD_UNOPENED_LETTERS_KEPT_DAYS", "999999"),
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


@pytest.mark.parametrize("name", ["CONCORD_LEASE_SECOND", "concord_lease_second", "CONCORD_DEBUG", "CONCORD_"])
def test_a_name_that_is_no_setting_is_refused_by_name(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "3")
    with pytest.raises(SettingError, match=f"^{name}: no such setting$"):
        load_settings("consent")


def test_the_setting_that_was_meant_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONCORD_LEASE_SECOND", "3")
    with pytest.raises(SettingError) as refusal:
        load_settings("consent")
    assert refusal.value.hint == "did you mean CONCORD_LEASE_SECONDS?"


def test_a_file_that_is_no_setting_is_refused_and_other_files_are_not(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("CONCORD_SECRETS_DIR", str(tmp_path))
    (tmp_path / "service.jwk").write_text("{}")
    load_settings("consent")
    (tmp_path / "concord_databse_url").write_text("postgresql://")
    with pytest.raises(SettingError, match="concord_databse_url"):
        load_settings("consent")


def test_the_clients_own_variables_do_no_harm_in_the_same_shell(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONCORD_HOME", "/home/ana/concord")
    environment.setenv("CONCORD_PASSPHRASE_FILE", "/run/passphrase")
    load_settings("consent")


def test_an_empty_value_is_one_that_is_not_given(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONCORD_LEASE_SECONDS", "")
    assert load_settings("consent").lease_seconds == 5
    environment.setenv("CONCORD_SERVICE_KEY_FILE", "")
    with pytest.raises(ValidationError) as refusal:
        load_settings("consent")
    assert "CONCORD_SERVICE_KEY_FILE" in wrong_setting(refusal.value)


def test_a_wrong_secret_is_named_and_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONCORD_AMQP_PREFIX", "NOT A PREFIX hunter2")
    with pytest.raises(ValidationError) as refusal:
        load_settings("consent")
    assert "CONCORD_AMQP_PREFIX" in wrong_setting(refusal.value)
    assert "hunter2" not in wrong_setting(refusal.value)


def test_only_consent_needs_the_key_of_the_account(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("CONCORD_ACCOUNT_KEY_FILE")
    load_settings("messaging")
    with pytest.raises(SettingError, match=r"^CONCORD_ACCOUNT_KEY_FILE: "):
        load_settings("consent")


def test_only_the_directory_needs_the_key_of_the_key_log(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("CONCORD_LOG_KEY_FILE")
    load_settings("messaging")
    load_settings("consent")
    with pytest.raises(SettingError, match=r"^CONCORD_LOG_KEY_FILE: "):
        load_settings("directory")


WITNESSES = [WitnessKey.of(f"w{n}.test", Ed25519PrivateKey.generate()) for n in range(15)]


def test_witnesses_are_read_with_the_prefix_of_each(environment: pytest.MonkeyPatch) -> None:
    assert load_settings("directory").named_witnesses() == []
    one, two = WITNESSES[:2]
    environment.setenv(
        "CONCORD_WITNESSES", f" {one.encode()}@https://w.test/some/where/ , {two.encode()}@http://b:8000,"
    )
    assert load_settings("directory").named_witnesses() == [(one, "https://w.test/some/where"), (two, "http://b:8000")]


@pytest.mark.parametrize(
    "text",
    [
        "https://w.test",
        WITNESSES[0].encode(),
        f"{WITNESSES[0].encode()}@w.test",
        f"{WITNESSES[0].encode()[:-4]}@https://w.test",
        f"{VerifierKey('w.test', WITNESSES[0].ed25519).encode()}@https://w.test",
        ",".join([f"{WITNESSES[0].encode()}@https://{host}" for host in ("a.test", "b.test")]),
        ",".join(f"{each.encode()}@https://w.test" for each in WITNESSES),
    ],
    ids=["no-key", "no-address", "no-scheme", "cut", "no-witness", "one-key-twice", "one-address-twice"],
)
def test_a_witness_that_is_none_is_refused(environment: pytest.MonkeyPatch, text: str) -> None:
    environment.setenv("CONCORD_WITNESSES", text)
    with pytest.raises(ValidationError) as refusal:
        load_settings("directory")
    assert "CONCORD_WITNESSES" in wrong_setting(refusal.value)


ROOT = Path(__file__).resolve().parents[3]


def test_every_setting_is_documented_and_nothing_else() -> None:
    """In `.env.example` and in the table of docs/operations.md."""
    example = re.findall(r"^#?(CONCORD_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| (`CONCORD_.*?) \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    table = [name for row in rows for name in re.findall(r"CONCORD_[A-Z_]+", row)]
    wanted = {*setting_names(), "CONCORD_SECRETS_DIR"}
    assert (sorted(example), sorted(table)) == (sorted(wanted), sorted(wanted))


def test_every_variable_of_the_compose_files_is_documented() -> None:
    example = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    for path in [ROOT / "docker-compose.yml", *(ROOT / "deploy").glob("compose.*.yml")]:
        assert set(re.findall(r"\$\{([A-Z_]+)", path.read_text())) <= example, path.name


def test_the_example_sets_nothing_that_a_container_refuses(environment: pytest.MonkeyPatch) -> None:
    """Every line of it, switched on."""
    for name, value in re.findall(r"^#?([A-Z_]+)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE):
        if name != "CONCORD_SECRETS_DIR":
            environment.setenv(name, value)
    assert load_settings("consent").worker_bind == "0.0.0.0:9000"
