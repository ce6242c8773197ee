"""The account over HTTP: to the consent service, page after page, and to nobody else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services.chassis.config import SERVICES
from services.chassis.peer_http import HttpPeer
from services.chassis.service_auth import ServiceSigner, ServiceVerifier, make_keys
from services.chassis.web import service_app
from services.messaging import account_api, models
from services.messaging.account import Replay

from .world import PATIENT, World, settings

LINES = f"/v1/service/disclosures?patient={PATIENT}"
COUNTS = "/v1/service/disclosure-counts"


class Peers:
    """Messaging's account, asked by whichever service a test says."""

    def __init__(self, world: World, folder: Path) -> None:
        make_keys(folder, SERVICES)
        self._folder = folder
        said = self._settings("messaging")
        said.public_url = "http://concord.test/messaging"
        routes = account_api.blueprint(Replay(world.database))
        app = service_app(said, [routes], dict, services=ServiceVerifier.from_settings(said))
        self._transport = httpx.WSGITransport(app)

    def of(self, service: str | None) -> HttpPeer:
        signer = ServiceSigner.from_settings(self._settings(service)) if service else None
        return HttpPeer("http://messaging", "messaging", signer, self._transport)

    def _settings(self, service: str):  # type: ignore[no-untyped-def]
        keys = {
            "service_key_file": self._folder / f"{service}.jwk",
            "service_keys_file": self._folder / "services.jwks",
        }
        said = settings(**keys)
        said.service = service
        return said


@pytest.fixture
def peers(small_world: World, tmp_path: Path) -> Peers:
    return Peers(small_world, tmp_path / "keys")


@pytest.mark.parametrize(("service", "status"), [("consent", 200), ("directory", 403), ("messaging", 403), (None, 401)])
@pytest.mark.parametrize("path", [LINES, COUNTS])
def test_the_account_is_for_the_consent_service(peers: Peers, service: str | None, status: int, path: str) -> None:
    assert peers.of(service).get(path).status_code == status


def test_lines_come_as_they_were_told_page_after_page(small_world: World, peers: Peers) -> None:
    for _ in range(5):
        small_world.send()
    told = [row.body.decode() for row in small_world.rows(models.Outbox)]
    consent = peers.of("consent")
    first = consent.get(f"{LINES}&limit=2").json()
    assert (first["last"], [line["n"] for line in first["lines"]]) == (5, [1, 2])
    rest = consent.get(f"{LINES}&after=2").json()
    assert [line["event"] for line in first["lines"] + rest["lines"]] == told
    assert consent.get(f"{LINES}&after=5").json() == {"lines": [], "last": 5}


def test_a_patient_of_whom_nothing_happened_has_no_lines(peers: Peers) -> None:
    answered = peers.of("consent").get("/v1/service/disclosures?patient=pt_" + "z" * 26)
    assert answered.json() == {"lines": [], "last": 0}


def test_counts_come_in_the_order_of_tokens(small_world: World, peers: Peers) -> None:
    tokens = [f"pt_{each * 26}" for each in "ca2b"]
    with small_world.database.transaction() as session:
        session.add_all(models.PatientAccount(patient=token, last=place) for place, token in enumerate(tokens, start=1))
    consent = peers.of("consent")
    first = consent.get(f"{COUNTS}?limit=3").json()["counts"]
    assert [each["patient"] for each in first] == sorted(tokens)[:3]
    rest = consent.get(f"{COUNTS}?after={first[-1]['patient']}").json()["counts"]
    assert rest == [{"patient": tokens[0], "last": 1}]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/service/disclosures",
        "/v1/service/disclosures?patient=Jane",
        f"{LINES}&after=-1",
        f"{LINES}&limit=0",
        f"{LINES}&limit=201",
        f"{LINES}&more=1",
        f"{COUNTS}?after=%00",
        f"{COUNTS}?limit=1001",
    ],
)
def test_a_question_in_another_form_is_refused(peers: Peers, path: str) -> None:
    assert peers.of("consent").get(path).status_code == 422
