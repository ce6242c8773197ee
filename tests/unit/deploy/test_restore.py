"""A restore that is broken off, run again, or done without the archive: what is started, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

import pytest

from deploy import recovery, remembered, restore
from deploy.backup_files import DATA, Manifest, sha256, write_manifest
from deploy.compose import PROCESSES, STANDBY, ComposeError

SERVICES = ("gateway", "rabbitmq", *PROCESSES, *restore.DATABASES, "messaging-migrate")
VOLUMES = ("postgresql", "postgresql-standby", "archive", "rabbitmq")


class Deployment:
    """Docker, PostgreSQL and its archive, as a restore finds them; `breaks` is the call that fails, once, and how."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.there = set(SERVICES)
        self.database: str | None = "of today"
        self.slot = True
        self.breaks: tuple[str, BaseException] | None = None
        self.left = ""
        self.did: list[str] = []
        self.passwords: dict[str, str] = {}

    def compose(self, *words: str, also: tuple[str, ...] = (), stdin: IO[bytes] | bytes | None = None) -> str:
        self._do("compose", *words)
        named = {word for word in words if word in SERVICES}
        if words[0] == "rm":
            self.there -= named
        elif words[0] == "up":
            self.there |= named or set(SERVICES)
        elif words[0] == "config":
            return json.dumps({"volumes": {name: {"name": f"concord_{name}"} for name in VOLUMES}})
        elif stdin is not None:
            assert self.database is None, "the volume is empty"
            self.database = "recovered"
        return ""

    def docker(self, *words: str) -> str:
        self._do("docker", *words)
        if words[0] == "ps" and words[-1] == "volume=concord_postgresql":
            return self.left
        if words[:2] == ("rm", "--force"):
            self.left = ""
        if words[-1] == "concord_postgresql" and words[0] == "volume":
            assert not self.left, "volume is in use"
            self.database, self.slot = None, False
        return ""

    def sql(self, query: str, database: str = "postgres", service: str | None = None) -> str:
        self._do("sql", query)
        if "pg_create_physical" in query:
            self.slot = True
        if "pg_replication_slots" not in query:
            return "done"
        if "postgresql" not in self.there:
            raise ComposeError("no PostgreSQL answers that takes writes")
        return "t" if self.slot and "postgresql-archive" in self.there else ""

    def tell(self, service: str, passwords: dict[str, str]) -> None:
        self.passwords = passwords

    def configured(self, what: str) -> list[str]:
        return list(SERVICES if what == "services" else VOLUMES)

    def containers(self, *services: str) -> list[dict[str, Any]]:
        return [{"Service": name} for name in sorted(self.there) if name in services]

    def _do(self, *words: str) -> None:
        self.did.append(" ".join(words))
        if self.breaks and self.breaks[0] in self.did[-1]:
            how, self.breaks = self.breaks[1], None
            raise how


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    """One with a backup, and an archive that is whole."""
    place = tmp_path / "backups" / "2026-11-28T031500Z"
    place.mkdir(parents=True)
    (place / DATA).write_bytes(b"data")
    write_manifest(place, Manifest("2026-11-28T03:15:00+00:00", sha256(place / DATA), 4, "0" * 24, {}))
    (tmp_path / ".secrets" / "postgresql").mkdir(parents=True)
    for role in ("superuser", "archive", "directory", "consent", "messaging"):
        (tmp_path / ".secrets" / "postgresql" / role).write_text(f"password of {role}")
    made = Deployment(place)
    for module in (restore, recovery):
        for name in ("compose", "docker", "sql", "configured", "containers"):
            monkeypatch.setattr(module, name, getattr(made, name), raising=False)
    monkeypatch.setattr(restore, "require", lambda first: None)
    monkeypatch.setattr(restore, "in_archive", made.did.append)
    monkeypatch.setattr(restore, "backup", lambda folder: folder / "new")
    monkeypatch.setattr(recovery, "tell_postgresql", made.tell)
    monkeypatch.setattr(recovery, "ROOT", tmp_path)
    monkeypatch.setattr(remembered, "FOLDER", tmp_path / ".deployment")
    return made


def run(monkeypatch: pytest.MonkeyPatch, deployment: Deployment, *words: str) -> None:
    """As `make restore` does."""
    monkeypatch.setattr("sys.argv", ["restore", str(deployment.place), "--yes", *words])
    restore.main()


def test_everything_is_started_and_nothing_is_remembered(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment, tmp_path: Path
) -> None:
    run(monkeypatch, deployment)
    assert deployment.there == set(SERVICES)
    assert remembered.recall(remembered.RESTORE) == {}


@pytest.mark.parametrize("how", [ComposeError("no key"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("where", ["new-epoch", f"up --detach --wait postgresql {STANDBY}", "pg_create", "volume rm"])
def test_what_was_broken_off_goes_on_though_nobody_follows_postgresql(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment, where: str, how: BaseException
) -> None:
    """Nothing is in PostgreSQL then that the archive has not."""
    deployment.breaks = (where, how)
    with pytest.raises(SystemExit, match="run the same again"):
        run(monkeypatch, deployment)
    deployment.there |= {"postgresql"}
    deployment.there -= {"postgresql-archive"}
    assert not restore._followed()
    run(monkeypatch, deployment)
    assert deployment.there == set(SERVICES)
    assert remembered.recall(remembered.RESTORE) == {}


def test_services_that_were_started_since_may_have_written_what_the_archive_lacks(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    deployment.breaks = ("new-epoch", ComposeError("no key"))
    with pytest.raises(SystemExit, match="run the same again"):
        run(monkeypatch, deployment)
    deployment.there = set(SERVICES) - {"postgresql-archive"}
    with pytest.raises(SystemExit, match="does not follow it"):
        run(monkeypatch, deployment)


def test_what_no_restore_has_begun_is_refused_while_the_archive_does_not_follow(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    deployment.there -= {"postgresql-archive", *PROCESSES}
    with pytest.raises(SystemExit, match="does not follow it"):
        run(monkeypatch, deployment)
    assert deployment.database == "of today"


def test_before_everything_is_stopped_nothing_is_remembered(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    deployment.breaks = ("stop postgresql", ComposeError("no"))
    with pytest.raises(SystemExit, match="run the same again"):
        run(monkeypatch, deployment)
    assert remembered.recall(remembered.RESTORE) == {}


def test_after_a_loss_nobody_gets_in_and_no_letter_goes(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, deployment, "--accept-loss")
    assert set(SERVICES) - deployment.there == {*restore.SHUT, "messaging-migrate"}
    told = capsys.readouterr().out
    assert "2026-11-28T03:15:00+00:00" in told
    assert "`docker compose up --detach --no-deps gateway`" in told


def test_a_backup_that_fails_afterwards_undoes_nothing(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(folder: Path) -> Path:
        raise OSError("No space left on device")

    monkeypatch.setattr(restore, "backup", full)
    with pytest.raises(SystemExit, match=r"No space left.*\n.*it is restored all the same"):
        run(monkeypatch, deployment, "--accept-loss")
    assert "Tell every practice" in capsys.readouterr().out


def test_the_roles_get_the_passwords_that_the_files_hold(
    monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    run(monkeypatch, deployment)
    roles = ("superuser", "archive", "directory", "consent", "messaging")
    assert deployment.passwords == {role: f"password of {role}" for role in roles}
    assert not [line for line in deployment.did if "password of" in line], "in no argument"


def test_what_unpacks_still_is_ended_first(monkeypatch: pytest.MonkeyPatch, deployment: Deployment) -> None:
    deployment.left = "0123456789ab"
    run(monkeypatch, deployment)
    assert "docker rm --force --volumes 0123456789ab" in deployment.did


class Recovery:
    """PostgreSQL that answers as told, one answer a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str | None) -> None:
        self.answers, self.now = list(answers), 0.0
        monkeypatch.setattr(recovery.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(recovery.time, "sleep", lambda seconds: None)

    def position(self) -> str | None:
        self.now += 1
        return self.answers.pop(0)


def test_a_recovery_may_take_as_long_as_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    moving = Recovery(monkeypatch, "", *(f"0/{each}" for each in range(100)), None)
    recovery.wait_while_it_moves(moving.position, 2)
    assert moving.answers == []


@pytest.mark.parametrize(("answers", "at"), [(("", "", ""), "its start"), (("0/1", "0/1", "0/1"), "0/1")])
def test_a_recovery_that_stands_still_is_given_up(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...], at: str
) -> None:
    still = Recovery(monkeypatch, *answers, *answers)
    with pytest.raises(ComposeError, match=f"stood still for 2 seconds, at {at}"):
        recovery.wait_while_it_moves(still.position, 2)
