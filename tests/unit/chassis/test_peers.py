"""How one service asks another, and how it comes to know the directory's token keys."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from joserfc.jwk import OKPKey

from services.chassis.peer_http import HttpPeer, PeerUnavailableError
from services.chassis.service_auth import ServiceSigner
from services.chassis.token_keys import RemoteKeys
from tests.unit.chassis.hand_clock import HandClock

Handler = Callable[[httpx.Request], httpx.Response]
# For what comes at once on a machine that is not stuck.
SECONDS = 30.0


def peer(handler: Handler, signer: ServiceSigner | None = None) -> HttpPeer:
    return HttpPeer("http://inside/directory", "directory", signer, httpx.MockTransport(handler))


def fail(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def test_a_request_is_signed_for_its_receiver() -> None:
    signer = ServiceSigner("consent", OKPKey.generate_key("Ed25519"))
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    peer(handler, signer).get("/v1/parties/practitioner/x", params={"a": "b"})
    assert str(seen[0].url) == "http://inside/directory/v1/parties/practitioner/x?a=b"
    assert seen[0].headers["Authorization"] == signer.authorization("directory")


@pytest.mark.parametrize("status", [200, 202, 404, 409])
def test_answers_below_500_are_the_callers_to_read(status: int) -> None:
    assert peer(lambda _: httpx.Response(status)).post("/x", json={}).status_code == status


@pytest.mark.parametrize("handler", [fail, lambda _: httpx.Response(500), lambda _: httpx.Response(503)])
def test_a_failing_peer_is_unavailable_and_says_when_to_come_back(handler: Handler) -> None:
    with pytest.raises(PeerUnavailableError) as refusal:
        peer(handler).get("/x")
    assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (503, "2")


def test_lines_are_read_as_they_come() -> None:
    with peer(lambda _: httpx.Response(200, content=b"one\ntwo\n")).lines("/x") as lines:
        assert list(lines) == ["one", "two"]


@pytest.mark.parametrize("handler", [fail, lambda _: httpx.Response(404), lambda _: httpx.Response(500)])
def test_lines_of_a_failing_peer_are_unavailable(handler: Handler) -> None:
    with pytest.raises(PeerUnavailableError), peer(handler).lines("/x") as lines:
        list(lines)


class Directory:
    """A directory that publishes what a test gives it, and counts how often it is asked."""

    def __init__(self, *kids: str) -> None:
        self.asked = 0
        self.up = True
        self.keys: dict[str, Any] = {}
        self.publish(*kids)

    def publish(self, *kids: str) -> None:
        fresh = {kid: OKPKey.generate_key("Ed25519").as_dict(private=False) | {"kid": kid} for kid in kids}
        self.keys = {kid: self.keys.get(kid, fresh[kid]) for kid in kids}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, json={"keys": list(self.keys.values())}) if self.up else httpx.Response(503)


@pytest.fixture
def directory() -> Directory:
    return Directory("first")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def keys(directory: Directory, clock: HandClock) -> RemoteKeys:
    return RemoteKeys(peer(directory), clock)


def test_the_key_set_is_fetched_once(keys: RemoteKeys, directory: Directory) -> None:
    for _ in range(3):
        found = keys.find("first")
        assert found is not None and found.kid == "first"
    assert directory.asked == 1


def test_a_new_key_is_found_though_the_set_is_cached(keys: RemoteKeys, directory: Directory, clock: HandClock) -> None:
    keys.find("first")
    clock.pass_(11)
    directory.publish("first", "second")
    assert keys.find("second") is not None


def test_invented_key_ids_do_not_make_us_ask_each_time(
    keys: RemoteKeys, directory: Directory, clock: HandClock
) -> None:
    for number in range(100):
        assert keys.find(f"invented-{number}") is None
        clock.pass_(0.2)
    assert directory.asked <= 3


def test_a_key_taken_out_is_not_believed_for_long(keys: RemoteKeys, directory: Directory, clock: HandClock) -> None:
    keys.find("first")
    directory.publish("second")
    clock.pass_(299)
    assert keys.find("first") is not None
    clock.pass_(2)
    assert keys.find("first") is None


def test_known_keys_stay_while_the_directory_is_away(keys: RemoteKeys, directory: Directory, clock: HandClock) -> None:
    keys.find("first")
    directory.up = False
    clock.pass_(3600)
    for _ in range(5):
        assert keys.find("first") is not None
    assert directory.asked == 2, "one failure does not hold up every request"


def test_unknown_key_ids_do_not_make_us_ask_a_directory_that_is_away_each_time(
    keys: RemoteKeys, directory: Directory, clock: HandClock
) -> None:
    keys.find("first")
    directory.up = False
    clock.pass_(11)
    for number in range(100):
        assert keys.find(f"invented-{number}") is None
    assert directory.asked == 2


def test_who_is_known_does_not_wait_for_a_directory_that_hangs(directory: Directory, clock: HandClock) -> None:
    asked, free = threading.Event(), threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        if directory.asked:
            asked.set()
            free.wait(SECONDS)
        return directory(request)

    keys = RemoteKeys(peer(answer), clock)
    keys.find("first")
    clock.pass_(301)
    with ThreadPoolExecutor() as threads:
        hanging = threads.submit(keys.find, "first")
        assert asked.wait(SECONDS)
        assert keys.find("first") is not None
        assert keys.find("invented") is None
        assert not hanging.done()
        free.set()
        assert hanging.result(SECONDS) is not None
    assert directory.asked == 2


def test_without_any_key_nobody_can_say(keys: RemoteKeys, directory: Directory, clock: HandClock) -> None:
    directory.up = False
    with pytest.raises(PeerUnavailableError):
        keys.find("first")
    directory.up = True
    with pytest.raises(PeerUnavailableError):
        keys.find("first")
    clock.pass_(1.1)
    assert keys.find("first") is not None, "who knows no key asks again soon"


@pytest.mark.parametrize("answer", [httpx.Response(404), httpx.Response(200, text="x"), httpx.Response(200, json={})])
def test_an_answer_that_is_no_key_set_is_no_answer(answer: httpx.Response, clock: HandClock) -> None:
    with pytest.raises(PeerUnavailableError):
        RemoteKeys(peer(lambda _: answer), clock).find("first")
