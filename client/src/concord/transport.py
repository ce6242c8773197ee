"""Signed-in HTTP: the one place where the client talks to the services.

Owns signing in (private_key_jwt, RFC 7523), the DPoP proof on each request (RFC 9449), the retry after an expired
token or where a service asks for one (RFC 9110), and the translation of problem documents (RFC 9457) into
`ServiceError`. Refuses redirects, and every other origin than the one it was made for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from .dpop import AuthenticationKey
from .errors import ServiceError, UnreachableError

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# A token is renewed this long before it ends, so that none ends on the way.
RENEW_BEFORE_SECONDS = 20
# A long poll waits up to 25 s and a revocation up to 8 s; a service that is silent for longer is not there.
TIMEOUT = httpx.Timeout(40.0, connect=5.0)
# What may be asked again without a second effect (RFC 9110, section 9.2.2), when a service says "503, in n seconds".
IDEMPOTENT = frozenset({"GET", "PUT"})
ATTEMPTS = 3
# What a request meets on a kept connection that the other side closes at that moment, as at each reload of a gateway.
_CLOSED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
# Who is told to wait for longer is told so: the person at the screen decides then.
WAIT_AT_MOST_SECONDS = 5


@dataclass(frozen=True)
class Device:
    """What signs in: the device's id and its authentication key."""

    id: UUID
    key: AuthenticationKey


@dataclass(frozen=True)
class _Token:
    value: str
    renew_at: float


class Transport:
    """Requests to one Concord origin. Without a device only what needs no token can be asked."""

    def __init__(
        self,
        base_url: str,
        device: Device | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._wait = wait
        self.base_url = base_url.rstrip("/")
        self._device = device
        self._http = httpx.Client(base_url=self.base_url, timeout=TIMEOUT, transport=transport, follow_redirects=False)
        self._token: _Token | None = None

    @property
    def signed_in(self) -> bool:
        """Whether a service has taken this device's sign-in."""
        return self._token is not None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def json(self, method: str, path: str, **request: Any) -> Any:
        """A signed-in request whose answer is JSON (None when empty). Raises `ServiceError`, `UnreachableError`."""
        return _read_json(self.send(method, path, **request))

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """A signed-in request; the whole answer is read.

        `content` may be a callable that gives a fresh iterator of bytes.
        """
        with self.stream(method, path, **request) as response:
            _read(response)
            return response

    @contextmanager
    def stream(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        """A signed-in request whose answer is read piece by piece. A refusal is raised before the block is entered."""
        attempt, renewed = 1, False
        while True:
            with self._reading(self._asked(method, path, request)) as response:
                renewing = response.status_code == 401 and not renewed
                pause = 0 if renewing else _again_in(method, response, attempt)
                if pause is None:
                    _raise_for_problem(response)
                    yield response
                    return
            if renewing:
                self._token, renewed = None, True  # it ended early or its key was rotated: sign in once more
            else:
                attempt += 1
            if pause:  # the connection of the refusal is not kept meanwhile
                self._wait(pause)

    def anonymous(self, method: str, path: str, **request: Any) -> Any:
        """A request without a token, such as an enrolment."""
        with self._reading(self._ask(method, path, {}, request)) as response:
            _raise_for_problem(response)
            _read(response)
            return _read_json(response)

    def _asked(self, method: str, path: str, request: Mapping[str, Any]) -> httpx.Response:
        """A signed-in request, sent once more where a connection was closed under it (RFC 9110, section 9.2.2)."""
        headers = self.authorization(method, path)
        try:
            return self._ask(method, path, headers, request)
        except UnreachableError as error:
            if method not in IDEMPOTENT or not isinstance(error.__cause__, _CLOSED):
                raise
        return self._ask(method, path, self.authorization(method, path), request)

    def _ask(self, method: str, path: str, headers: Mapping[str, str], request: Mapping[str, Any]) -> httpx.Response:
        """Send a request; the beginning of its answer. Raises `UnreachableError`."""
        content = request.get("content")
        arguments = dict(request) | {"headers": {**request.get("headers", {}), **headers}}
        if callable(content):
            arguments["content"] = content()
        try:
            return self._http.send(self._http.build_request(method, path, **arguments), stream=True)
        except httpx.TransportError as error:
            raise UnreachableError(self.base_url, type(error).__name__) from error

    @contextmanager
    def _reading(self, response: httpx.Response) -> Iterator[httpx.Response]:
        try:
            yield response
        except (httpx.TransportError, httpx.DecodingError) as error:  # the latter: it is not compressed as it says
            raise UnreachableError(self.base_url, type(error).__name__) from error
        finally:
            response.close()

    def authorization(self, method: str, path: str) -> dict[str, str]:
        """The headers that sign one request: access token and a fresh proof. Signs in first where that is needed."""
        if self._device is None:
            raise ServiceError.not_enrolled()
        token = self._access_token(self._device)
        proof = self._device.key.proof(method, f"{self.base_url}{path}", token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def _access_token(self, device: Device) -> str:
        if self._token is None or time.monotonic() >= self._token.renew_at:
            self._token = self._sign_in(device)
        return self._token.value

    def _sign_in(self, device: Device) -> _Token:
        path = "/directory/v1/token"
        answer = self.anonymous(
            "POST",
            path,
            headers={"DPoP": device.key.proof("POST", self.base_url + path)},
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": CLIENT_ASSERTION_TYPE,
                "client_assertion": device.key.assertion(device.id, f"{self.base_url}/directory"),
            },
        )
        try:
            return _Token(str(answer["access_token"]), time.monotonic() + answer["expires_in"] - RENEW_BEFORE_SECONDS)
        except (KeyError, TypeError):
            raise ServiceError.unreadable() from None


def _again_in(method: str, response: httpx.Response, attempt: int) -> int | None:
    """After how many seconds the same is to be asked again; None when this answer is the one that counts."""
    after = response.headers.get("Retry-After", "")
    passing = response.status_code == 503 and method in IDEMPOTENT and attempt < ATTEMPTS
    if not passing or not after.isdecimal() or int(after) > WAIT_AT_MOST_SECONDS:
        return None
    return int(after)


def _read_json(response: httpx.Response) -> Any:
    """An answer's JSON, None when it is empty. Raises `ServiceError` for what is none."""
    try:
        return response.json() if response.content else None
    except (ValueError, RecursionError):
        raise ServiceError.unreadable(response.status_code) from None


def _raise_for_problem(response: httpx.Response) -> None:
    if response.status_code >= 300:
        _read(response)
        raise ServiceError.from_response(response.status_code, _members(response), response.headers)


def _members(response: httpx.Response) -> dict[str, Any]:
    try:
        members = response.json()
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _read(response: httpx.Response) -> None:
    try:
        response.read()
    except httpx.TransportError as error:
        raise UnreachableError(str(response.url.copy_with(path="/")), type(error).__name__) from error
