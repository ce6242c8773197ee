"""deploy/compose.monitoring.yml: what watches has no more rights than what it watches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.monitoring.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]
DEPLOYED = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_that_watches_is_hardened_like_the_others(name: str) -> None:
    for what, as_deployed in DEPLOYED["x-hardened"].items():
        assert SERVICES[name][what] == as_deployed, what


@pytest.mark.parametrize("name", SERVICES)
def test_it_is_published_on_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_grafana_has_a_password_of_its_own_and_sees_no_service() -> None:
    grafana = SERVICES["grafana"]
    named = grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    assert mounts["./.secrets/grafana"] == str(Path(named).parent)
    assert grafana["networks"] == ["outside"]
    assert "outside" in SERVICES["prometheus"]["networks"]


def test_alerts_have_a_way_out() -> None:
    """The file that it reads is the operator's: in the repository it would name somebody else's Alertmanager."""
    configured = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    (alertmanager,) = configured["alerting"]["alertmanagers"]
    assert alertmanager["file_sd_configs"] == [{"files": ["alertmanagers*.yml"]}]
    assert "alertmanagers.yml" in (ROOT / "docs" / "operations.md").read_text()
