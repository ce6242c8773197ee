"""What alerts.test.yml plays, and which requests the alerts and the dashboard count."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services import local
from services.chassis.bus import LocalBus
from services.chassis.config import SERVICES

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
RULES: dict[str, str] = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}
PLAYED: list[dict[str, Any]] = [
    asked
    for play in yaml.safe_load((DEPLOY / "prometheus" / "alerts.test.yml").read_text())["tests"]
    for asked in play["alert_rule_test"]
]
PANELS = json.loads((DEPLOY / "grafana" / "dashboards" / "concord.json").read_text())["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel.get("targets", ())]
OF_REQUESTS = re.compile(r"(concord_request(?:s_total|_seconds_bucket))(?:\{([^}]*)\})?")
# Who asks these is a probe, Prometheus, or another service.
NOT_PEOPLES = re.compile(r"/livez|/readyz|/metrics|/v1/(feed|service)/.*")
WAIT_ON_PURPOSE = {("GET", "/v1/inbox")}
# As long as their senders' lines take.
UPLOADS = {
    ("PUT", "/v1/letters/<letter>"),
    ("PUT", "/v1/consents/<consent>/versions/<version>/evidence"),
}

Asked = set[tuple[str, str]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Every method and route of all services, as `concord_requests_total` has them."""
    embedded = local.compose(local.settings_in(tmp_path_factory.mktemp("asked"), 1), LocalBus())
    return {
        (method, rule.rule)
        for service in SERVICES
        for rule in embedded.apps[service].url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def counted(selector: str, asked: Asked) -> Asked:
    """What a selector leaves of all that is asked."""
    left = asked
    for label, operator, text in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', selector):
        if label in ("method", "route"):
            pattern = text if "~" in operator else re.escape(text)
            place = ("method", "route").index(label)
            left = {each for each in left if bool(re.fullmatch(pattern, each[place])) is not operator.startswith("!")}
    return left


def selectors() -> Iterator[tuple[str, str]]:
    """Each look at the requests that an alert or a panel takes: the metric, and by what it is selected."""
    for expression in [*RULES.values(), *QUERIES]:
        yield from OF_REQUESTS.findall(expression)


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_is_played_silent_and_speaking(alert: str) -> None:
    spoke = [bool(each.get("exp_alerts")) for each in PLAYED if each["alertname"] == alert]
    assert set(spoke) == {True, False}


def test_no_alert_is_played_that_is_none() -> None:
    assert {each["alertname"] for each in PLAYED} <= set(RULES)


@pytest.mark.parametrize(("metric", "selector"), sorted(set(selectors())))
def test_requests_are_those_of_people(metric: str, selector: str, asked: Asked) -> None:
    """Probes are most of a small practice's requests; a share of all of them would be a share of the probes."""
    peoples = {each for each in asked if not NOT_PEOPLES.fullmatch(each[1])}
    assert peoples > UPLOADS | WAIT_ON_PURPOSE
    left = counted(selector, asked)
    if metric == "concord_requests_total":
        assert left == peoples
    else:
        assert left == {each for each in peoples if each[0] != "PUT"} - WAIT_ON_PURPOSE
    assert not counted(selector, {("GET", "unknown")}), "whoever tries paths is nobody's practice"


def test_both_are_watched() -> None:
    assert {metric for metric, _ in selectors()} == {"concord_requests_total", "concord_request_seconds_bucket"}
