"""The gateway of the composed deployment: what it lets through, and what it says where it does not."""

from __future__ import annotations

import socket
import ssl
from uuid import uuid4

import httpx
import pytest
from cryptography import x509

from services.chassis.config import SERVICES
from tests.deploy.composition import Composition
from tests.deploy.gateway import client_of, reload_gateway, trusting
from tests.deployment import wait_for

pytestmark = pytest.mark.long
LETTER = f"/messaging/v1/letters/{uuid4()}"
EVIDENCE = f"/consent/v1/consents/{uuid4()}/versions/1/evidence"
KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture
def browser(composition: Composition) -> httpx.Client:
    """A client of the gateway."""
    return client_of(composition)


def test_the_gateway_speaks_nothing_older_than_tls_1_3(composition: Composition) -> None:
    context = trusting(composition)
    with (
        socket.create_connection(("localhost", composition.port)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        assert tls.version() == "TLSv1.3"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("localhost", composition.port)) as raw, pytest.raises(ssl.SSLError):
        context.wrap_socket(raw, server_hostname="localhost")


def test_every_answer_demands_https_from_now_on(browser: httpx.Client) -> None:
    for path in ("/directory/readyz", "/nowhere", "/consent/patient"):
        assert "max-age=31536000" in browser.get(path).headers["strict-transport-security"]


@pytest.mark.parametrize("path", ["metrics", "v1/feed/snapshot", "v1/feed/leases", "v1/service/anything"])
def test_what_is_for_services_is_not_for_the_outside(browser: httpx.Client, path: str) -> None:
    for service in SERVICES:
        assert browser.get(f"/{service}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["%256detrics", "%6detrics", "v1/%2566eed/leases", "v1%252fservice/x", "./metrics"])
def test_no_way_of_writing_a_path_leads_around_that(browser: httpx.Client, path: str) -> None:
    for service in SERVICES:
        assert browser.get(f"/{service}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "size", "status"),
    [
        ("POST", "/directory/v1/enrolments", 256 * KIB, 400),
        ("POST", "/directory/v1/enrolments", 300 * KIB, 413),
        ("POST", LETTER + "/receipt", 300 * KIB, 413),
        ("PUT", EVIDENCE, 8 * MIB, 401),
        ("PUT", EVIDENCE, 10 * MIB, 413),
        ("PUT", LETTER, 12 * MIB, 401),
    ],
)
def test_a_body_gets_as_far_as_its_route_needs(
    browser: httpx.Client, method: str, path: str, size: int, status: int
) -> None:
    """What does is answered by the service: it is no JSON, or nobody has signed in."""
    answer = browser.request(method, path, content=bytes(size), headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_a_service_finds_too_large_is_refused_in_its_own_words(browser: httpx.Client) -> None:
    answer = browser.post(
        "/directory/v1/enrolments", content=bytes(257 * KIB), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert "this deployment" not in answer.json()["detail"]


def test_a_service_that_is_away_is_told_as_a_problem(composition: Composition, browser: httpx.Client) -> None:
    composition.compose("stop", "--timeout", "1", "directory-api")
    try:
        answer = browser.get("/directory/readyz")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:concord:problem:service-unavailable")
        assert answer.headers["retry-after"]
    finally:
        composition.compose("start", "directory-api")
        composition.healthy("directory-api")


def test_when_to_come_again_is_said_once(composition: Composition, browser: httpx.Client) -> None:
    """By the service where it answers, by the gateway where it does not: two answers would be none."""
    composition.compose("stop", "--timeout", "5", "postgresql")
    try:
        answer = browser.get("/consent/v1/account/checkpoint")
        assert answer.json()["type"] == "urn:concord:problem:database-unavailable"
        assert answer.headers.get_list("retry-after") == ["1"]
    finally:
        composition.compose("up", "--detach", "--wait", "postgresql")
        composition.healthy()


def test_no_path_is_written_down(composition: Composition, browser: httpx.Client) -> None:
    """Neither of what is refused for its size nor of what is answered: ids of consents stand in paths."""

    def logged() -> str:
        return composition.compose("logs", "--no-color", "gateway")

    before = logged()
    assert browser.put(EVIDENCE, content=bytes(10 * MIB)).status_code == 413
    assert browser.get(EVIDENCE).status_code == 401
    # A line comes once its request is over, which is after the answer.
    lines = ('"status":413', '"status":401')
    wait_for(lambda: all(logged().count(each) > before.count(each) for each in lines), 60, "both to be in the log")
    assert EVIDENCE.split("/")[4] not in logged()


def test_prometheus_sees_within_that_the_gateway_answers(composition: Composition) -> None:
    program = (
        "import urllib.request;"
        "answer = urllib.request.urlopen('http://gateway:8081/metrics');"
        "print(answer.status, answer.headers['content-type'])"
    )
    told = composition.compose("exec", "-T", "messaging-api", "python", "-c", program)
    assert told.strip() == "200 text/plain; version=0.0.4"


def serial(composition: Composition) -> int:
    """Of the certificate that the gateway shows."""
    return x509.load_pem_x509_certificate(
        ssl.get_server_certificate(("localhost", composition.port)).encode()
    ).serial_number


def started_at(composition: Composition) -> str:
    """When the gateway's container was last started."""
    return composition.docker("inspect", "--format", "{{.State.StartedAt}}", composition.containers("gateway")[0])


def test_the_certificate_is_changed_without_a_restart(composition: Composition) -> None:
    """The gateway takes the new one; connections that are open stay."""
    before, began = serial(composition), started_at(composition)
    shown = composition.folder / ".secrets" / "gateway"
    kept = {path: path.read_bytes() for path in shown.iterdir() if path.is_file()}
    composition.module("deploy.make_secrets", ".secrets", "--new-certificate")
    try:
        reload_gateway(composition)
        wait_for(lambda: serial(composition) != before, 30, "the gateway to show the new certificate")
        assert started_at(composition) == began
    finally:  # the people of the tests after this one trust the first certificate
        for path, content in kept.items():
            path.write_bytes(content)
        reload_gateway(composition)
    wait_for(lambda: serial(composition) == before, 30, "the gateway to show the first certificate again")
