"""`concord-server doctor` on real processes: all well, and each thing that is not, by name and with its mend."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from services.chassis.config import SERVICES, Settings
from services.chassis.service_auth import make_keys
from services.commands.checks.database import SILENT_LEASES
from tests.deployment import Deployment
from tests.people import People, active_consent, send_note

# Each look is a process of its own, and there are many: minutes.
pytestmark = [pytest.mark.real, pytest.mark.long]
LEASE_SECONDS: float = Settings.model_fields["lease_seconds"].default
Found = dict[str, dict[str, object]]


def examined(deployment: Deployment, service: str, settings: Mapping[str, str] | None = None) -> tuple[int, Found]:
    """The exit status, and each finding by its check."""
    line = [sys.executable, "-m", "services", "doctor", service, "--json"]
    environment = deployment.environment(service) | dict(settings or {})
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, {each["check"]: each for each in json.loads(done.stdout)}


def wrong(found: Found) -> set[str]:
    return {check for check, each in found.items() if not each["ok"]}


@pytest.mark.parametrize("service", SERVICES)
def test_all_is_well(deployment: Deployment, people: People, service: str) -> None:
    send_note(people, active_consent(people).id)
    status, found = examined(deployment, service)
    assert (status, wrong(found)) == (0, set())
    assert {"settings", "keys", "database", "migrations", "clock", "connections", "broker"} <= set(found)
    if service == "messaging":
        assert {"peer consent", "signature at directory", "lease on consent", "lease on directory"} <= set(found)
    else:
        assert "enforcement point" in found


def test_a_peer_that_is_down_is_named_with_what_it_costs(deployment: Deployment) -> None:
    deployment.kill("api-consent")
    status, found = examined(deployment, "messaging")
    assert status == 1
    assert {"peer consent", "lease on consent"} <= wrong(found)
    assert "letters are held" in str(found["lease on consent"]["mend"])
    assert found["peer directory"]["ok"]


def test_a_service_whose_key_the_others_do_not_know_is_told(deployment: Deployment, tmp_path: Path) -> None:
    make_keys(tmp_path, SERVICES)
    settings = {"CONCORD_SERVICE_KEY_FILE": str(tmp_path / "messaging.jwk")}
    status, found = examined(deployment, "messaging", settings)
    assert status == 1
    assert {"keys", "signature at directory"} <= wrong(found)
    assert found["peer directory"]["ok"], "it answers: the signature is what is wrong"


def test_a_key_that_is_not_there_is_told_and_the_rest_is_looked_at(deployment: Deployment, tmp_path: Path) -> None:
    _, found = examined(deployment, "messaging", {"CONCORD_SERVICE_KEY_FILE": str(tmp_path / "none.jwk")})
    assert "keys" in wrong(found)
    assert found["database"]["ok"]


def test_wrong_words_to_database_and_broker_are_told_without_showing_them(deployment: Deployment) -> None:
    settings = {
        "CONCORD_DATABASE_URL": "postgresql+psycopg://postgres:hunter2@127.0.0.1:1/none",
        "CONCORD_AMQP_URL": "amqp://guest:hunter2@127.0.0.1:1/%2F",
    }
    status, found = examined(deployment, "consent", settings)
    assert status == 1
    assert {"database", "broker"} <= wrong(found)
    assert "hunter2" not in json.dumps(found)


def test_a_setting_that_is_misspelt_is_the_first_finding(deployment: Deployment) -> None:
    _, found = examined(deployment, "messaging", {"CONCORD_LEASE_SECOND": "3"})
    assert found["settings"]["detail"] == "CONCORD_LEASE_SECOND: no such setting"
    assert found["settings"]["mend"] == "did you mean CONCORD_LEASE_SECONDS?"


def test_a_database_of_an_older_form_is_told(deployment: Deployment, fresh_postgresql) -> None:  # type: ignore[no-untyped-def]
    _, found = examined(deployment, "messaging", {"CONCORD_DATABASE_URL": fresh_postgresql()})
    assert found["migrations"]["mend"] == "concord-server migrate messaging"
    assert "migrations" in wrong(found)


def test_a_follower_that_has_fallen_silent_is_named_with_what_to_do(deployment: Deployment, people: People) -> None:
    for name in ("api-messaging", "worker-messaging"):
        deployment.signal(name, signal.SIGSTOP)
    try:
        time.sleep(SILENT_LEASES * LEASE_SECONDS + 1)
        status, found = examined(deployment, "directory")
    finally:
        for name in ("api-messaging", "worker-messaging"):
            deployment.signal(name, signal.SIGCONT)
    assert (status, wrong(found)) == (1, {"enforcement point"})
    assert "concord-server forget directory" in str(found["enforcement point"]["mend"])


def test_an_enforcement_point_is_forgotten_only_on_a_clear_word(deployment: Deployment) -> None:
    with pytest.raises(RuntimeError, match="error: this lets revocations be acknowledged without it"):
        deployment.command("consent", "forget", "consent", str(uuid4()))
    with pytest.raises(RuntimeError, match="error: nobody follows consent under that id"):
        deployment.command("consent", "forget", "consent", str(uuid4()), "--yes")
