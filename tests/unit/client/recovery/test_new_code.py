"""A new code: kept before it is shown, shown before it counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from concord.api.recovery import StoredBackup
from concord.cli.recovery import _lines
from concord.client import Client
from concord.keyring import Keyring
from concord.own_keys import KeyringFile
from concord.profile import Profile, Settings
from concord.recovery import derive

from tests.unit.client.people import Clinician
from tests.unit.client.recovery.made import FAST, NOW, ORIGIN, PASSPHRASE


class Stopped(BaseException):
    """The machine is switched off."""


@pytest.fixture
def client(ana: Clinician, tmp_path: Path) -> Iterator[Client]:
    """Of a directory that is away: what is made here is not in force yet."""
    profile = Profile(tmp_path / "home")
    profile.create()
    ana.keyring.save(profile.keyring, PASSPHRASE, work_factor=FAST)
    settings = Settings(ORIGIN, ana.id, ana.keyring.device)
    away = httpx.MockTransport(lambda request: httpx.Response(500))
    file = KeyringFile(profile.keyring, PASSPHRASE)
    with Client(profile, settings, ana.keyring, keyring_file=file, transport=away) as client:
        yield client


def verifier(client: Client) -> str | None:
    """Of the code in the keyring on the disk."""
    return Keyring.load(client.profile.keyring, PASSPHRASE).recovery_verifier


def test_it_is_in_the_keyring_when_it_is_shown_and_counts_as_seen_afterwards(client: Client) -> None:
    shown: list[str] = []

    def show(code: str) -> None:
        shown.append(code)
        assert verifier(client) == derive(code, client.practitioner).verifier == client.backup.known()["unseen"]

    assert [client.renew_recovery_code(show)] == shown
    assert client.backup.known()["unseen"] is None
    assert client.backup.behind


def test_interrupted_before_it_is_shown_it_counts_as_not_seen(client: Client) -> None:
    def stop(_: str) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        client.renew_recovery_code(stop)
    assert client.backup.known()["unseen"] == verifier(client) is not None
    code = client.renew_recovery_code()
    assert verifier(client) == derive(code, client.practitioner).verifier
    assert client.backup.known()["unseen"] is None


def test_the_status_says_when_the_last_backup_is_of_another_device() -> None:
    """What this one knows may not be in it, whatever this device has stored before."""
    last = StoredBackup(generation=6, stored_at=NOW, verifier="a" * 64)
    assert not any("had taken" in line for line in _lines(last, "a" * 64, behind=False, by_this_device=True))
    assert any("had taken" in line for line in _lines(last, "a" * 64, behind=False, by_this_device=False))
