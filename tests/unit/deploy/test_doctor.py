"""What the doctor of the whole deployment makes of what it sees."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy import doctor, make_secrets, remembered
from deploy.compose import STANDBY, ComposeError
from services.commands.checks import Finding

SERVICES = ("postgresql", STANDBY, "messaging-worker", "messaging-migrate")


class Deployment:
    """Docker and PostgreSQL, as the doctor asks them."""

    def __init__(self) -> None:
        self.services = SERVICES
        self.there = {name: running(name) for name in SERVICES}
        self.there["messaging-migrate"] |= {"State": "exited"}
        self.slots = "archive|t|reserved"
        self.in_recovery = "t"
        self.seconds = 60.0

    def configured(self, what: str) -> list[str]:
        assert what == "services"
        return list(self.services)

    def containers(self, *services: str) -> list[dict[str, Any]]:
        if not set(services) <= set(self.services):
            raise ComposeError("no such service")
        return [each for name, each in self.there.items() if not services or name in services]

    def sql(self, query: str, service: str | None = None) -> str:
        if self.slots == "":
            raise ComposeError("no PostgreSQL answers")
        if "pg_control_system" in query:
            return str(self.seconds)
        return self.slots

    def takes_writes(self, service: str) -> bool:
        return self.in_recovery == "f"


def running(name: str) -> dict[str, Any]:
    return {"Service": name, "Name": f"{name}-1", "State": "running", "Health": "healthy", "ExitCode": 0}


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    made = Deployment()
    for name in ("configured", "containers", "sql", "takes_writes"):
        monkeypatch.setattr(doctor, name, getattr(made, name))
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(remembered, "FOLDER", tmp_path / ".deployment")
    return made


def wrong(look: Any) -> dict[str, str]:
    """What a check finds wrong, with its mend."""
    return {each.check: each.mend for each in doctor.findings_of(look) if not each.ok}


def test_a_deployment_that_is_whole_is_well(deployment: Deployment) -> None:
    assert wrong(doctor.containers_run) == {}


def test_a_service_without_a_container_is_named(deployment: Deployment) -> None:
    del deployment.there["messaging-worker"]
    assert wrong(doctor.containers_run) == {"messaging-worker": "make up"}


@pytest.mark.parametrize("change", [{"State": "restarting"}, {"Health": "unhealthy"}, {"State": "exited"}], ids=str)
def test_a_container_that_does_not_work_is_named(deployment: Deployment, change: dict[str, str]) -> None:
    deployment.there["messaging-worker"] |= change
    assert list(wrong(doctor.containers_run)) == ["messaging-worker-1"]


def test_a_migration_that_failed_is_named(deployment: Deployment) -> None:
    deployment.there["messaging-migrate"] |= {"ExitCode": 1}
    assert list(wrong(doctor.containers_run)) == ["messaging-migrate-1"]


def test_a_database_without_a_container_is_named_where_there_is_no_standby(deployment: Deployment) -> None:
    deployment.services = tuple(name for name in SERVICES if name != STANDBY)
    for name in ("postgresql", STANDBY):
        del deployment.there[name]
    assert wrong(doctor.containers_run) == {"postgresql": "make up"}


def test_a_primary_is_meant_to_be_away_once_the_standby_has_taken_over(deployment: Deployment) -> None:
    del deployment.there["postgresql"]
    assert list(wrong(doctor.containers_run)) == ["postgresql"], "it has not taken over"
    deployment.in_recovery = "f"
    assert wrong(doctor.containers_run) == {}
    assert "takes writes" in next(doctor.containers_run()).detail


@pytest.mark.parametrize(
    ("slots", "named"),
    [
        ("archive|t|reserved", []),
        ("archive|t|extended\nstandby|t|reserved", []),
        ("archive|f|reserved", ["slot archive"]),
        ("archive|t|unreserved", ["slot archive"]),
        ("archive|t|reserved\nstandby|f|lost", ["slot standby"]),
        ("standby|t|reserved", ["slot archive"]),
        ("", ["replication"]),
    ],
)
def test_who_does_not_follow_is_named(deployment: Deployment, slots: str, named: list[str]) -> None:
    deployment.slots = slots
    assert list(wrong(doctor.replication)) == named


@pytest.mark.parametrize(("hours", "well"), [(1, True), (47, True), (49, False)])
def test_a_deployment_may_be_two_days_old_before_its_first_backup(
    deployment: Deployment, hours: float, well: bool
) -> None:
    deployment.seconds = hours * 3600
    assert (wrong(doctor.backup) == {}) is well


@pytest.mark.parametrize(("hours", "well"), [(1, True), (47, True), (49, False)])
def test_the_newest_backup_is_younger_than_two_days_whatever_folder_it_went_to(
    deployment: Deployment, tmp_path: Path, hours: float, well: bool
) -> None:
    deployment.seconds = 1e9
    now = datetime.now(UTC)
    made = {"/mnt/nas": now - timedelta(hours=hours), "backups": now - timedelta(days=30)}
    (tmp_path / ".deployment").mkdir()
    known = {folder: {"made_at": at.isoformat()} for folder, at in made.items()}
    (tmp_path / ".deployment" / "backups.json").write_text(json.dumps(known))
    assert (wrong(doctor.backup) == {}) is well


def test_what_to_do_is_a_command_that_can_be_typed_on_the_host() -> None:
    found = Finding("dead letters", False, "2 were set aside", "concord-server dead-letters list messaging, and replay")
    assert doctor.within(found, "messaging-worker").mend == (
        "docker compose exec messaging-worker concord-server dead-letters list messaging, and replay"
    )


@pytest.mark.parametrize(("most", "well"), [(364, True), (366, False)])
def test_a_certificate_that_ends_soon_is_told(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, well: bool
) -> None:
    make_secrets.certificate(tmp_path / ".secrets" / "gateway", "concord.example")  # for 365 days
    monkeypatch.setattr(doctor, "CERTIFICATE_DAYS", most)
    assert (wrong(doctor.certificate) == {}) is well


def test_a_certificate_that_is_not_there_is_told(deployment: Deployment) -> None:
    assert list(wrong(doctor.certificate)) == ["certificate"]
