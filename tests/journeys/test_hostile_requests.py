"""Requests that are not what they say: stolen tokens, malformed JSON, uploads that lie about their length.

Each is refused while it is read, in constant memory, and leaves no row behind.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from concord.client import Client
from concord.dpop import AuthenticationKey
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from tests.deployment import wait_for
from tests.journeys.hostile import LETTER_TYPE, sealed
from tests.journeys.world import PROJECTION, DeployedWorld, World
from tests.people import People, active_consent, note

INBOX = "/messaging/v1/inbox"
CONSENTS = "/consent/v1/consents"
# How long an answer may take on a machine that does other things besides.
SECONDS = 60.0
TEN_GIGABYTES = 10 * 1024**3
# More than a letter may have here, less than would hurt: a process that kept it would grow by as much.
ENDLESS = 96 * 1024 * 1024
MOST_GROWTH = 24 * 1024 * 1024


def ask(
    world: World, method: str, path: str, headers: dict[str, str], content: bytes | Iterable[bytes] = b""
) -> httpx.Response:
    """One request exactly as given."""
    with httpx.Client(transport=world.transport(), base_url=world.base_url, timeout=SECONDS) as http:
        return http.request(method, path, headers=headers, content=content)


def problem(response: httpx.Response) -> tuple[int, str]:
    """Status and type of a problem; its detail says something."""
    told = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert len(told["detail"]) > 8
    return response.status_code, told["type"].removeprefix("urn:concord:problem:")


class TestStolenTokens:
    def test_a_token_is_worth_nothing_without_its_key(self, world: World, people: People) -> None:
        """Somebody who read a token signs proofs for it with a key of their own, or with another device's."""
        stolen = people.physician.transport.authorization("GET", INBOX)["Authorization"]
        token = stolen.removeprefix("DPoP ")
        thief = AuthenticationKey(os.urandom(32))
        other = AuthenticationKey(people.psychologist.keyring.authentication_seed)
        for key in (thief, other):
            proof = key.proof("GET", world.base_url + INBOX, token)
            refused = ask(world, "GET", INBOX, {"Authorization": stolen, "DPoP": proof})
            assert problem(refused) == (401, "invalid-dpop-proof")
            assert "DPoP" in refused.headers["WWW-Authenticate"]

    def test_a_token_alone_is_no_bearer_token(self, world: World, people: People) -> None:
        headers = people.physician.transport.authorization("GET", INBOX)
        bearer = headers["Authorization"].replace("DPoP ", "Bearer ")
        assert ask(world, "GET", INBOX, {"Authorization": bearer}).status_code == 401
        assert ask(world, "GET", INBOX, {"Authorization": headers["Authorization"]}).status_code == 401
        assert problem(ask(world, "GET", INBOX, {})) == (401, "unauthenticated")

    def test_a_proof_is_for_one_request(self, world: World, people: People) -> None:
        """Another method, another path, another service: each refuses it."""
        for method, path in (("POST", INBOX), ("GET", CONSENTS), ("GET", "/messaging/v1/sent")):
            headers = people.physician.transport.authorization("GET", INBOX)
            assert ask(world, method, path, headers).status_code in {401, 405}

    def test_a_token_that_somebody_wrote_themselves(self, world: World, people: People) -> None:
        forger = OKPKey.generate_key("Ed25519")
        key = AuthenticationKey(os.urandom(32))
        genuine = people.physician.transport.authorization("GET", INBOX)["Authorization"].removeprefix("DPoP ")
        keys = KeySet.import_key_set(ask(world, "GET", "/directory/.well-known/jwks.json", {}).json())
        honest = jwt.decode(genuine, keys, algorithms=["Ed25519"])
        forged = jwt.encode(dict(honest.header), honest.claims, forger, algorithms=["Ed25519"])
        for token in (forged, genuine[:-4] + "AAAA", "a.b.c", "x" * 5000):
            headers = {"Authorization": f"DPoP {token}", "DPoP": key.proof("GET", world.base_url + INBOX, token)}
            assert problem(ask(world, "GET", INBOX, headers)) == (401, "invalid-token")


class TestMalformedJson:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"{", 400),
            (b"", 400),
            (b"[]", 400),
            (b'{"patient": NaN}', 400),
            (b'{"patient": "a", "patient": "b"}', 400),
            (b"\xff\xfe{}", 400),
            (b"[" * 100_000, 400),
            (b'{"a":' * 30_000 + b"1" + b"}" * 30_000, 400),
            (b'{"patient": "' + b"a" * 300_000 + b'"}', 413),
            (b'{"patient": "Jaime Armendariz"}', 422),
        ],
        ids=["cut", "empty", "list", "nan", "twice", "utf-16", "deep lists", "deep objects", "large", "incomplete"],
    )
    def test_it_is_refused_whole(self, world: World, people: People, body: bytes, status: int) -> None:
        headers = people.physician.transport.authorization("POST", CONSENTS) | {"Content-Type": "application/json"}
        with world.nothing_written():
            refused = ask(world, "POST", CONSENTS, headers, body)
        assert refused.status_code == status
        problem(refused)
        assert "Jaime" not in refused.text

    def test_json_under_another_name_is_not_read(self, world: World, people: People) -> None:
        headers = people.physician.transport.authorization("POST", CONSENTS) | {"Content-Type": "text/plain"}
        assert problem(ask(world, "POST", CONSENTS, headers, b"{}")) == (415, "unsupported-media-type")


@pytest.mark.real
class TestUploadsThatLie:
    """Over a socket, to gunicorn: no client library would send these."""

    def test_ten_gigabytes_announced_as_one_kilobyte(self, deployed: DeployedWorld, letter: bytes) -> None:
        """Only what was announced is read; the rest is no second request, and the connection ends."""
        with _harmless(deployed), _upload(deployed, b"Content-Length: 1024") as upload:
            assert upload.send_until_answered(letter, ENDLESS) in {422, None}

    def test_one_kilobyte_announced_as_ten_gigabytes(self, deployed: DeployedWorld, letter: bytes) -> None:
        """Refused by the announcement alone."""
        with _harmless(deployed), _upload(deployed, f"Content-Length: {TEN_GIGABYTES}".encode()) as upload:
            upload.connection.sendall(letter[:1024])
            assert upload.status() == 413

    def test_a_body_that_ends_before_its_announced_length(self, deployed: DeployedWorld, letter: bytes) -> None:
        """Three mebibytes were staged by then; nothing of them stays."""
        with _harmless(deployed), _upload(deployed, b"Content-Length: 20000000") as upload:
            upload.connection.sendall(letter + bytes(3 * 1024 * 1024))
            upload.connection.shutdown(socket.SHUT_WR)
            assert upload.status() == 400

    def test_a_client_that_is_gone_in_the_middle(self, deployed: DeployedWorld, letter: bytes) -> None:
        before = deployed._still(PROJECTION)
        with _upload(deployed, b"Content-Length: 20000000") as upload:
            upload.connection.sendall(letter + bytes(3 * 1024 * 1024))
        wait_for(lambda: deployed._still(PROJECTION) == before, 60, "the staged rows to go")

    def test_a_body_without_end(self, deployed: DeployedWorld, letter: bytes) -> None:
        """Refused as soon as it is longer than a letter may be, however it is cut into chunks."""
        with _harmless(deployed), _upload(deployed, b"Transfer-Encoding: chunked") as upload:
            assert upload.send_until_answered(letter, ENDLESS, chunked=True) in {413, None}

    def test_chunks_that_are_none(self, deployed: DeployedWorld) -> None:
        with _harmless(deployed), _upload(deployed, b"Transfer-Encoding: chunked") as upload:
            upload.connection.sendall(b"ffffffffffffffffffff\r\nno such chunk")
            upload.connection.shutdown(socket.SHUT_WR)
            assert upload.status() in {None, 400, 413}

    def test_two_lengths_at_once(self, deployed: DeployedWorld) -> None:
        """Two readers that each believed another one would see two different requests."""
        with _harmless(deployed), _upload(deployed, b"Content-Length: 10\r\nTransfer-Encoding: chunked") as upload:
            upload.connection.sendall(b"0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n")
            upload.connection.shutdown(socket.SHUT_WR)
            assert upload.status() in {None, 400}


@pytest.fixture
def letter(deployed: DeployedWorld) -> bytes:
    """The beginning of a letter that is in order: what is wrong comes after it."""
    people = deployed.people
    return sealed(people.physician, note(active_consent(people).id))[1]


class _Upload:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def status(self) -> int | None:
        """The status of the answer, None when the connection was closed without one."""
        answer = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n" not in answer and (piece := self.connection.recv(4096)):
                answer += piece
        return int(answer.split()[1]) if answer else None

    def send_until_answered(self, head: bytes, most: int, *, chunked: bool = False) -> int | None:
        """Send and send; the status that stopped it. Fails when `most` bytes were taken without an answer."""
        piece = bytes(256 * 1024)
        frame: Callable[[bytes], bytes] = (lambda p: b"%x\r\n%s\r\n" % (len(p), p)) if chunked else (lambda p: p)
        self.connection.settimeout(SECONDS)
        sent = 0
        with contextlib.suppress(ConnectionError):
            self.connection.sendall(frame(head))
            while sent < most and not self._answered():
                self.connection.sendall(frame(piece))
                sent += len(piece)
        assert sent < most, "everything was taken"
        return self.status()

    def _answered(self) -> bool:
        self.connection.setblocking(False)
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.connection.settimeout(SECONDS)


@contextlib.contextmanager
def _upload(world: DeployedWorld, length: bytes) -> Iterator[_Upload]:
    """A connection on which the head of a letter's upload was sent, with a valid token."""
    person: Client = world.people.physician
    path = "/messaging/v1/letters/00000000-0000-4000-8000-000000000000"
    signed = person.transport.authorization("PUT", path)
    head = [f"PUT {path.removeprefix('/messaging')} HTTP/1.1", "Host: concord.test", f"Content-Type: {LETTER_TYPE}"]
    head += [f"{name}: {value}" for name, value in signed.items()]
    with socket.create_connection(("127.0.0.1", world.deployment.ports["messaging"]), timeout=SECONDS) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n" + length + b"\r\n\r\n")
        yield _Upload(connection)


@contextlib.contextmanager
def _harmless(world: DeployedWorld) -> Iterator[None]:
    """No row is left behind, and no process of messaging's API dies or grows by what was sent."""
    before = _resident(world)
    with world.nothing_written():
        yield
    after = _resident(world)
    assert set(before) <= set(after), "a process died"
    grown = {process: after[process] - before[process] for process in before}
    assert all(size < MOST_GROWTH for size in grown.values()), grown


def _resident(world: DeployedWorld) -> dict[int, int]:
    """The resident memory, in bytes, of each process in the group of messaging's API."""
    group = world.deployment.processes["api-messaging"].pid
    found: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == group:
                pages = int((folder / "statm").read_text().split()[1])
                found[int(folder.name)] = pages * os.sysconf("SC_PAGE_SIZE")
    return found
