"""Alert rules, dashboard and scrape configuration, held against what the services really measure."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services import local
from services.chassis import metrics
from services.chassis.bus import LocalBus
from services.chassis.config import SERVICES
from services.chassis.worker_page import create_page
from services.consent import measures as of_consent
from services.directory import measures as of_directory
from services.messaging import measures as of_messaging
from tests import real

ROOT = Path(__file__).resolve().parents[3]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "concord.json").read_text())
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
# Prometheus' own: whether a page answered.
_OWN = {"up"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every name that the pages of all services show, with its labels."""
    data = tmp_path_factory.mktemp("measured")
    bus = LocalBus()
    embedded = local.compose(local.settings_in(data, 1), bus)
    bus.declare(of_messaging.peers.SUBSCRIPTION)
    pages = [embedded.apps[service].test_client() for service in SERVICES]
    measures = (
        of_directory.of(embedded.directory, bus),
        of_consent.of(embedded.consent, bus),
        of_messaging.of(embedded.messaging, bus),
    )
    pages += [create_page("any", each.ready, each.registry()).test_client() for each in measures]
    for page in pages:
        assert page.get("/nowhere").status_code == 404  # something to count
    return _read("".join(page.get("/metrics").text for page in pages)) | _declared()


def _read(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found.update({name + ending: set() for ending in endings})
    for name, labels in re.findall(r"^(\w+)\{(.*)\} ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def _declared() -> dict[str, set[str]]:
    """What a process counts once it happens, by what it is declared with: a page shows no labels of it before."""
    found: dict[str, set[str]] = {}
    for metric, names in metrics.PROCESS._collector_to_names.items():
        for name in names:
            found[name] = {*metric._labelnames} | ({"le"} if name.endswith("_bucket") else set())
    return found


def names_in(expression: str) -> set[str]:
    """The metrics that an expression reads: what is neither a word of PromQL, a label nor a text."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    return {word for word in re.findall(r"[a-z_][a-z0-9_]*", bare) if word.startswith("concord_") or word in _OWN}


def selectors_in(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric with the labels it is selected by."""
    for name, inside in re.findall(r"([a-z_][a-z0-9_]*)\{([^}]*)\}", expression):
        yield name, set(re.findall(r"(\w+)\s*[=!]", inside))


@pytest.mark.parametrize("expression", [*(rule["expr"] for rule in RULES), *QUERIES])
def test_what_is_asked_for_is_measured(expression: str, measured: dict[str, set[str]]) -> None:
    asked = names_in(expression)
    assert asked
    assert asked - _OWN <= set(measured)
    assert expression.count("(") == expression.count(")")


@pytest.mark.parametrize("expression", [*(rule["expr"] for rule in RULES), *QUERIES])
def test_what_it_is_selected_by_is_a_label_of_it(expression: str, measured: dict[str, set[str]]) -> None:
    for name, labels in selectors_in(expression):
        if name not in _OWN:
            assert labels <= measured[name] | {"job", "process_of"}


def test_every_measure_is_on_the_dashboard_or_alerts(measured: dict[str, set[str]]) -> None:
    """What nobody looks at need not be measured."""
    asked = set().union(*map(names_in, [*QUERIES, *(rule["expr"] for rule in RULES)]))
    ours = {_stem(name) for name in measured if name.startswith("concord_")}
    assert ours <= {_stem(name) for name in asked}


def _stem(name: str) -> str:
    return re.sub(r"_(bucket|sum|count|created|total)$", "", name)


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_what_is_the_matter_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & taken, panel["title"]
        assert max(x for x, _ in own) < 24
        taken |= own


def test_every_process_of_the_deployment_is_scraped() -> None:
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    named = {name for job in scraped for each in job["dns_sd_configs"] for name in each["names"]}
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert named == {name for name in composed if name.endswith(("-api", "-worker"))} | {"gateway"}


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        ["check", "rules", "alerts.yml"],
        ["check", "config", "--syntax-only", "prometheus.yml"],
        ["test", "rules", "alerts.test.yml"],
    ],
    ids=" ".join,
)
def test_prometheus_itself_takes_them(words: list[str]) -> None:
    """And the rules fire when they should, and not before: alerts.test.yml plays it."""
    promtool = real.installed_program("promtool", "prometheus")
    done = subprocess.run([promtool, *words], cwd=ALERTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
