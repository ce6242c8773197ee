"""The one place where the client talks to the services: what it asks again, and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import httpx
import pytest
from concord.dpop import AuthenticationKey
from concord.errors import ServiceError, UnreachableError
from concord.transport import Device, Transport

TOKEN = {"access_token": "t", "expires_in": 300}


class Services:
    """Services that answer a request with one of the prepared answers after the other."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.proofs: list[str] = []
        self.waited: list[float] = []
        self.signed_in = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            self.signed_in += 1
            return httpx.Response(200, json=TOKEN)
        self.bodies.append(request.read())
        self.proofs.append(request.headers["DPoP"])
        return self.answers.pop(0)

    def transport(self) -> Transport:
        device = Device(UUID(int=7), AuthenticationKey(bytes(range(32))))
        return Transport("https://concord.test", device, transport=httpx.MockTransport(self), wait=self.waited.append)


def unavailable(after: str | None = "1") -> httpx.Response:
    """A service whose database did not answer in time."""
    headers = {} if after is None else {"Retry-After": after}
    return httpx.Response(503, json={"type": "urn:concord:problem:database-unavailable"}, headers=headers)


def done() -> httpx.Response:
    """A service that did what it was asked."""
    return httpx.Response(200, json={"done": True})


def pieces() -> Callable[[], list[bytes]]:
    """A sealed letter, that can be read from its beginning as often as it is needed."""
    return lambda: [b"sealed ", b"letter"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_has_no_second_effect_is_asked_again_when_a_service_asks_for_it(method: str) -> None:
    services = Services(unavailable("1"), unavailable("2"), done())
    assert services.transport().json(method, "/messaging/v1/letters/x") == {"done": True}
    assert services.waited == [1, 2]


def test_a_letter_is_sent_from_its_beginning_with_a_fresh_proof_each_time() -> None:
    services = Services(unavailable(), done())
    services.transport().json("PUT", "/messaging/v1/letters/x", content=pieces())
    assert services.bodies == [b"sealed letter", b"sealed letter"]
    assert len(set(services.proofs)) == 2


def test_the_refusals_connection_is_let_go_before_the_wait() -> None:
    class Refusal(httpx.SyncByteStream):
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            yield b"{}"

        def close(self) -> None:
            self.closed = True

    body, closed = Refusal(), []
    services = Services(httpx.Response(503, headers={"Retry-After": "1"}, stream=body), done())
    transport = services.transport()
    transport._wait = lambda _: closed.append(body.closed)
    transport.json("GET", "/messaging/v1/inbox")
    assert closed == [True]


def test_after_three_times_the_refusal_is_told() -> None:
    services = Services(unavailable(), unavailable(), unavailable())
    with pytest.raises(ServiceError) as refused:
        services.transport().json("GET", "/messaging/v1/inbox")
    assert refused.value.type == "database-unavailable"
    assert services.waited == [1, 1]


@pytest.mark.parametrize("after", [None, "6", "Wed, 21 Oct 2026 07:28:00 GMT", "-1"])
def test_a_wait_that_is_long_or_not_given_is_left_to_the_person(after: str | None) -> None:
    services = Services(unavailable(after), done())
    with pytest.raises(ServiceError):
        services.transport().json("GET", "/messaging/v1/inbox")
    assert services.waited == []


def test_what_could_happen_twice_is_asked_once() -> None:
    services = Services(unavailable(), done())
    with pytest.raises(ServiceError):
        services.transport().json("POST", "/consent/v1/consents", json={})
    assert services.waited == []


def test_a_token_that_ended_early_is_renewed_once() -> None:
    services = Services(httpx.Response(401), done())
    services.transport().json("POST", "/consent/v1/consents", json={})
    assert services.signed_in == 2
    services = Services(httpx.Response(401), httpx.Response(401), done())
    with pytest.raises(ServiceError):
        services.transport().json("GET", "/messaging/v1/inbox")


def test_a_token_that_ended_while_a_service_was_away_is_renewed_as_well() -> None:
    """And costs none of the times that a service may ask for."""
    services = Services(unavailable(), unavailable(), httpx.Response(401), done())
    assert services.transport().json("GET", "/messaging/v1/inbox") == {"done": True}
    assert services.signed_in == 2
    services = Services(httpx.Response(401), unavailable(), httpx.Response(401), done())
    with pytest.raises(ServiceError) as refused:
        services.transport().json("GET", "/messaging/v1/inbox")
    assert (refused.value.status, services.signed_in) == (401, 2)


class ClosedUnder(Services):
    """Services whose gateway closes its kept connections as the next requests set out, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(done())
        self.times = times

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/token") and self.times:
            self.times -= 1
            self.proofs.append(request.headers["DPoP"])
            request.read()
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return super().__call__(request)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_connection_that_is_closed_under_a_request_is_no_failure(method: str) -> None:
    """As at each reload of the gateway; the second request has its own proof and its whole body."""
    services = ClosedUnder(1)
    answer = services.transport().json(method, "/messaging/v1/letters/x", content=pieces())
    assert answer == {"done": True}
    assert services.bodies == [b"sealed letter"]
    assert len(set(services.proofs)) == 2


def test_a_connection_that_is_closed_again_is_a_failure() -> None:
    services = ClosedUnder(2)
    with pytest.raises(UnreachableError):
        services.transport().json("GET", "/messaging/v1/letters/x")
    assert services.answers, "it was asked a third time"


def test_what_may_have_been_done_already_is_not_sent_twice() -> None:
    services = ClosedUnder(1)
    with pytest.raises(UnreachableError):
        services.transport().json("POST", "/consent/v1/consents")
    assert services.answers


def test_a_sign_in_whose_connection_is_closed_is_not_sent_twice() -> None:
    """It is a POST."""
    signed_in: list[str] = []

    def closed(request: httpx.Request) -> httpx.Response:
        signed_in.append(request.url.path)
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")

    device = Device(UUID(int=7), AuthenticationKey(bytes(range(32))))
    transport = Transport("https://concord.test", device, transport=httpx.MockTransport(closed))
    with pytest.raises(UnreachableError):
        transport.json("GET", "/messaging/v1/inbox")
    assert signed_in == ["/directory/v1/token"]


def test_an_answer_that_is_not_compressed_as_it_says_is_an_error_of_ours() -> None:
    spoilt = httpx.Response(200, content=iter([b"no gzip"]), headers={"Content-Encoding": "gzip"})
    with pytest.raises(UnreachableError, match="DecodingError"):
        Services(spoilt).transport().json("GET", "/directory/v1/practitioners/x")
