"""What the doctor of the whole deployment makes of what it sees."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy import doctor, make_secrets
from deploy.compose import STANDBY, ComposeError

SERVICES = ("postgresql", STANDBY, "messaging-worker", "messaging-migrate")


class Deployment:
    """Docker and PostgreSQL, as the doctor asks them."""

    def __init__(self) -> None:
        self.there = {name: running(name) for name in SERVICES}
        self.there["messaging-migrate"] |= {"State": "exited"}
        self.slots = "archive|t|reserved"
        self.in_recovery = "t"

    def configured(self, what: str) -> list[str]:
        assert what == "services"
        return list(SERVICES)

    def containers(self, *services: str) -> list[dict[str, Any]]:
        return [each for name, each in self.there.items() if not services or name in services]

    def sql(self, query: str, service: str | None = None) -> str:
        if self.slots == "":
            raise ComposeError("no PostgreSQL answers")
        return self.in_recovery if "in_recovery" in query else self.slots


def running(name: str) -> dict[str, Any]:
    return {"Service": name, "Name": f"{name}-1", "State": "running", "Health": "healthy", "ExitCode": 0}


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    made = Deployment()
    for name in ("configured", "containers", "sql"):
        monkeypatch.setattr(doctor, name, getattr(made, name))
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
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


def test_backups_that_lie_elsewhere_are_not_looked_at(deployment: Deployment) -> None:
    assert wrong(doctor.backup) == {}


@pytest.mark.parametrize(("hours", "well"), [((1, 90), True), ((50, 90), False), ((), False)])
def test_the_newest_backup_is_younger_than_two_days(
    deployment: Deployment, tmp_path: Path, hours: tuple[int, ...], well: bool
) -> None:
    (tmp_path / "backups").mkdir()
    for each in hours:
        made_at = datetime.now(UTC) - timedelta(hours=each)
        place = tmp_path / "backups" / f"{made_at:%Y-%m-%dT%H%M%SZ}"
        place.mkdir()
        (place / "manifest.json").write_text(json.dumps({"made_at": made_at.isoformat()}))
    assert (wrong(doctor.backup) == {}) is well


@pytest.mark.parametrize(("most", "well"), [(364, True), (366, False)])
def test_a_certificate_that_ends_soon_is_told(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, well: bool
) -> None:
    make_secrets.certificate(tmp_path / ".secrets" / "gateway", "concord.example")  # for 365 days
    monkeypatch.setattr(doctor, "CERTIFICATE_DAYS", most)
    assert (wrong(doctor.certificate) == {}) is well


def test_a_certificate_that_is_not_there_is_told(deployment: Deployment) -> None:
    assert list(wrong(doctor.certificate)) == ["certificate"]
