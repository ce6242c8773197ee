"""What the composed deployment shows to the outside, and what it keeps from its own containers."""

from __future__ import annotations

import json

import pytest

from tests.deploy.composition import COMPONENTS, Composition
from tests.people import People, active_consent, send_note

pytestmark = pytest.mark.long


def inspected(composition: Composition, service: str) -> dict[str, object]:
    """What the engine knows of a service's first container."""
    found: dict[str, object] = json.loads(composition.docker("inspect", composition.containers(service)[0]))[0]
    return found


def test_only_the_gateway_is_published(composition: Composition) -> None:
    published = {
        service: [port for port, hosts in inspected(composition, service)["NetworkSettings"]["Ports"].items() if hosts]  # type: ignore[index]
        for service in (*COMPONENTS, "postgresql-archive")
    }
    assert {service: ports for service, ports in published.items() if ports} == {"gateway": ["8443/tcp"]}


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
