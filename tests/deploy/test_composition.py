"""What the composed deployment shows to the outside, and what it keeps from its own containers."""

from __future__ import annotations

import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from cryptography import x509

from services.chassis.config import SERVICES
from tests.deploy.composition import COMPONENTS, Composition
from tests.deployment import wait_for
from tests.people import People, active_consent, send_note

pytestmark = pytest.mark.long
APIS = tuple(f"{service}-api" for service in SERVICES)
WORKERS = tuple(f"{service}-worker" for service in SERVICES)


def inspected(composition: Composition, service: str) -> dict[str, object]:
    """What the engine knows of a service's first container."""
    found: dict[str, object] = json.loads(composition.docker("inspect", composition.containers(service)[0]))[0]
    return found


@pytest.fixture
def browser(composition: Composition) -> httpx.Client:
    """A client of the gateway."""
    return httpx.Client(base_url=composition.base_url, transport=composition.transport())


def test_only_the_gateway_is_published(composition: Composition) -> None:
    published = {
        service: [port for port, hosts in inspected(composition, service)["NetworkSettings"]["Ports"].items() if hosts]  # type: ignore[index]
        for service in (*COMPONENTS, "postgresql-archive")
    }
    assert {service for service, ports in published.items() if ports} == {"gateway"}


@pytest.mark.parametrize("service", [*COMPONENTS, "postgresql-archive"])
def test_a_container_has_no_rights_to_lose(composition: Composition, service: str) -> None:
    """Not root, nothing to write to but its volumes, no capability, no way to gain any."""
    host = inspected(composition, service)["HostConfig"]
    assert isinstance(host, dict)
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"], host["Privileged"]) == (True, ["ALL"], None, False)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert composition.compose("exec", "-T", service, "id", "-u").strip() != "0"
    capabilities = composition.compose("exec", "-T", service, "grep", "CapEff", "/proc/1/status").split()[1]
    assert int(capabilities, 16) == 0
    with pytest.raises(RuntimeError, match="Read-only file system"):
        composition.compose("exec", "-T", service, "sh", "-c", "echo x > /etc/written")


def test_no_secret_stands_in_an_environment_or_an_argument(composition: Composition) -> None:
    folder = composition.folder / ".secrets"
    secrets = [
        path.read_text().strip()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".crt", ".jwks"}
    ]
    assert len(secrets) > 10
    for service in (*COMPONENTS, "postgresql-archive"):
        shown = json.dumps(inspected(composition, service)["Config"])
        arguments = composition.compose("exec", "-T", service, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert not [secret for secret in secrets if secret in shown or secret in arguments], service


def test_a_service_has_its_own_secrets_alone(composition: Composition) -> None:
    seen = composition.compose("exec", "-T", "messaging-api", "sh", "-c", "find /run/secrets -type f").split()
    assert {path.split("/")[3] for path in seen} == {"messaging", "services.jwks"}


def test_a_service_opens_its_own_database_alone(composition: Composition) -> None:
    program = (
        "import psycopg, pathlib;"
        "url = pathlib.Path('/run/secrets/messaging/concord_database_url').read_text().replace('+psycopg', '');"
        "psycopg.connect(url).close();"
        "psycopg.connect(url.replace('/messaging?', '/consent?'))"
    )
    with pytest.raises(RuntimeError, match='permission denied for database "consent"'):
        composition.compose("exec", "-T", "messaging-api", "python", "-c", program)


def test_a_service_cannot_speak_for_another_on_the_bus(composition: Composition) -> None:
    """The broker's topic permissions: messaging's user may not publish a revocation."""
    program = (
        "import pika, pathlib;"
        "url = pathlib.Path('/run/secrets/messaging/concord_amqp_url').read_text();"
        "channel = pika.BlockingConnection(pika.URLParameters(url)).channel();"
        "channel.confirm_delivery();"
        "channel.basic_publish('concord.events', 'care.concord.messaging.probe.v1', b'{}');"
        "print('its own passes');"
        "channel.basic_publish('concord.events', 'care.concord.consent.revoked.v1', b'{}')"
    )
    with pytest.raises(RuntimeError, match="ACCESS_REFUSED") as refused:
        composition.compose("exec", "-T", "messaging-worker", "python", "-c", program)
    assert "its own passes" in str(refused.value)


def test_the_queues_are_quorum_queues(composition: Composition) -> None:
    told = composition.compose(
        "exec", "-T", "rabbitmq", "rabbitmqctl", "-q", "list_queues", "name", "type", "--formatter", "json"
    )
    queues = {each["name"]: each["type"] for each in json.loads(told[told.index("[") :])}
    assert {"concord.messaging", "concord.consent", "concord.messaging.dead", "concord.consent.dead"} <= set(queues)
    assert set(queues.values()) == {"quorum"}


def test_the_gateway_speaks_nothing_older_than_tls_1_3(composition: Composition) -> None:
    context = ssl.create_default_context(cafile=str(composition.folder / ".secrets/gateway/tls.crt"))
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


def test_a_guesser_of_patients_codes_is_slowed_down(browser: httpx.Client) -> None:
    answers = [browser.post("/consent/patient/session", data={"code": f"guess-{n}"}) for n in range(12)]
    hidden = browser.post("/consent/patient/%2573ession", data={"code": "guess"})
    assert hidden.status_code == 404, "that would be a way around"
    assert 429 in {answer.status_code for answer in answers}
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert limited.headers["retry-after"]


def test_a_guesser_at_the_sign_in_is_slowed_down(browser: httpx.Client) -> None:
    def guess(_: int) -> httpx.Response:
        return browser.post("/directory/v1/token", data={"grant_type": "client_credentials"})

    with ThreadPoolExecutor(8) as guessers:  # one after the other a slow machine would stay below the limit
        answers = list(guessers.map(guess, range(120)))
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert limited.json()["type"] == "urn:concord:problem:too-many-requests"
    assert limited.headers["content-type"] == "application/problem+json"
    wait_for(lambda: guess(0).status_code != 429, 30, "the limit to let people in again")


def test_a_service_that_is_away_is_told_as_a_problem(composition: Composition, browser: httpx.Client) -> None:
    composition.compose("stop", "--timeout", "1", "directory-api")
    try:
        answer = browser.get("/directory/readyz")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:concord:problem:service-unavailable")
        assert answer.headers["retry-after"]
    finally:
        composition.compose("start", "directory-api")
        composition.healthy("directory-api")


def test_a_database_that_was_away_is_no_longer_noticed_once_it_is_back(
    composition: Composition, people: People
) -> None:
    """Connections that were kept from before are not tried out on people."""
    consent = active_consent(people)
    composition.compose("kill", "postgresql")
    composition.compose("up", "--detach", "--wait", "postgresql")
    composition.healthy()
    for _ in range(4):  # each of two processes is met
        assert people.psychologist.letters.inbox() is not None
        send_note(people, consent.id)
        active_consent(people)


def test_when_to_come_again_is_said_once(composition: Composition, browser: httpx.Client) -> None:
    """By the service where it answers, by the gateway where it does not: two answers would be none."""
    composition.compose("stop", "--timeout", "5", "postgresql")
    try:
        # Longer than it takes to look up the name of a container that is gone.
        answer = browser.get("/consent/v1/account/checkpoint", timeout=60)
        assert answer.json()["type"] == "urn:concord:problem:database-unavailable"
        assert answer.headers.get_list("retry-after") == ["1"]
    finally:
        composition.compose("up", "--detach", "--wait", "postgresql")
        composition.healthy()


def test_the_image_lists_what_it_is_made_of(composition: Composition) -> None:
    bill = json.loads(composition.compose("exec", "-T", "messaging-api", "cat", "/opt/concord/sbom.cdx.json"))
    named = {part["name"]: part["version"] for part in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert {"flask", "pika", "sqlalchemy", "cryptography", "gunicorn"} <= set(named)
    installed = composition.compose(
        "exec",
        "-T",
        "messaging-api",
        "python",
        "-c",
        "import flask, importlib.metadata as m; print(m.version('flask'))",
    )
    assert named["flask"] == installed.strip()


def test_no_client_and_no_compiler_is_in_the_image(composition: Composition) -> None:
    """What decrypts is the client's alone: it is not even there."""
    program = "import importlib.util as u; print([n for n in ('concord', 'pytest', 'uv') if u.find_spec(n)])"
    assert composition.compose("exec", "-T", "messaging-api", "python", "-c", program).strip() == "[]"


def test_the_start_fails_by_the_name_of_a_setting_that_is_unknown(composition: Composition) -> None:
    with pytest.raises(RuntimeError, match="error: CONCORD_LEASE_SECOND: no such setting"):
        composition.compose("run", "--rm", "--no-deps", "-T", "-e", "CONCORD_LEASE_SECOND=3", "messaging-worker")


def test_the_start_fails_by_the_name_of_a_setting_that_is_missing(composition: Composition) -> None:
    with pytest.raises(RuntimeError, match="error: CONCORD_SERVICE_KEY_FILE: "):
        composition.compose("run", "--rm", "--no-deps", "-T", "-e", "CONCORD_SERVICE_KEY_FILE=", "messaging-worker")


def serial(composition: Composition) -> int:
    """Of the certificate that the gateway shows."""
    return x509.load_pem_x509_certificate(
        ssl.get_server_certificate(("localhost", composition.port)).encode()
    ).serial_number


def test_the_certificate_is_changed_without_a_restart(composition: Composition) -> None:
    """The gateway takes the new one; connections that are open stay."""
    before, began = serial(composition), inspected(composition, "gateway")["State"]
    shown = composition.folder / ".secrets" / "gateway"
    kept = {path: path.read_bytes() for path in shown.iterdir() if path.is_file()}
    composition.module("deploy.make_secrets", ".secrets", "--new-certificate")
    try:
        reload_gateway(composition)
        wait_for(lambda: serial(composition) != before, 10, "the gateway to show the new certificate")
        assert inspected(composition, "gateway")["State"]["StartedAt"] == began["StartedAt"]  # type: ignore[index]
    finally:  # the people of the tests after this one trust the first certificate
        for path, content in kept.items():
            path.write_bytes(content)
        reload_gateway(composition)
    wait_for(lambda: serial(composition) == before, 10, "the gateway to show the first certificate again")


def reload_gateway(composition: Composition) -> None:
    """As `make reload-certificate` does."""
    composition.compose("exec", "-T", "gateway", "nginx", "-c", "/etc/concord/nginx.conf", "-s", "reload")
