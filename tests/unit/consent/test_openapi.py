"""The OpenAPI document tells the truth: whatever is generated from it is answered as declared, and never with a 5xx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.unit.chassis.visitor import IssuerKeys, Visitor
from tests.unit.consent.browser import Browser, make_app
from tests.unit.consent.examples import PHYSICIAN
from tests.unit.consent.test_api import ROUTES
from tests.unit.consent.world import BASE, World

load_all_checks()
# A date that no calendar has, a window that is over: the schema allows what the rules rightly refuse.
TOO_STRICT = CHECKS.get_one("positive_data_acceptance")


@pytest.fixture
def issuer() -> IssuerKeys:
    return IssuerKeys()


@pytest.fixture
def api(world: World, issuer: IssuerKeys, tmp_path: Path) -> Any:
    """The document of a service that stands at `/consent`, as it does in a deployment."""
    app = make_app(world, issuer, tmp_path)
    return schemathesis.openapi.from_wsgi("/openapi.json", DispatcherMiddleware(app, {"/consent": app}))


@pytest.fixture
def known(world: World, issuer: IssuerKeys, tmp_path: Path) -> list[str]:
    """A consent in force and a draft, so that generated requests find something."""
    browser = Browser(make_app(world, issuer, tmp_path), issuer)
    return [browser.active(), browser.draft()]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_answer_is_a_declared_one(api: Any, known: list[str], issuer: IssuerKeys, method: str, path: str) -> None:
    operation = api[path.replace("/1/", "/{version}/").replace("{id}", "{consent}")][method]
    visitor = Visitor(issuer, BASE, PHYSICIAN.practitioner, PHYSICIAN.organization)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(), st.sampled_from([None, *known]))
    def check(case: Any, consent: str | None) -> None:
        if consent and "consent" in case.path_parameters:
            case.path_parameters["consent"] = consent
        headers = visitor.headers(method, f"{BASE}/consent{case.formatted_path}")
        case.call_and_validate(headers=headers, excluded_checks=[TOO_STRICT])

    check()
