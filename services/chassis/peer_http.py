"""How one service asks another, over HTTP.

Owns the connection, the timeouts and the one error a caller must expect. Refuses to retry: whoever asks knows whether
asking again is safe, and how long it may wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from . import tracing
from .problems import Problem
from .service_auth import ServiceSigner

# Peers stand in the same deployment: one that has not answered by then will not answer in time to be of use.
TIMEOUT = httpx.Timeout(3.0, connect=1.0)


class PeerUnavailableError(Problem):
    """Another service did not answer, or failed; rendered as 503 with Retry-After when nobody catches it."""

    def __init__(self, peer: str) -> None:
        detail = f"The {peer} service does not answer just now. Nothing was changed; try again."
        super().__init__(503, "peer-unavailable", "Service unavailable", detail)
        self.with_header("Retry-After", "2")


class HttpPeer:
    """Requests to the service named `service` at `base_url`, signed by `signer` (None: unsigned). Thread-safe.

    `transport` replaces the network: `httpx.WSGITransport(app)` reaches a service in this process.
    """

    def __init__(
        self, base_url: str, service: str, signer: ServiceSigner | None, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.service = service
        self._signer = signer
        self._client = httpx.Client(base_url=base_url, timeout=TIMEOUT, transport=transport, follow_redirects=False)

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> httpx.Response:
        """GET a path below the base. Answers below 500 are returned as they are. Raises `PeerUnavailableError`."""
        return self._send("GET", path, params=params)

    def post(self, path: str, *, json: Any = None, timeout: float | None = None) -> httpx.Response:
        """POST a JSON value to a path below the base. Answers below 500 are returned. Raises `PeerUnavailableError`."""
        more = {} if timeout is None else {"timeout": timeout}
        return self._send("POST", path, json=json, **more)

    @contextmanager
    def lines(self, path: str) -> Iterator[Iterator[str]]:
        """GET a path, its answer read line by line. Raises `PeerUnavailableError` for any answer but 200."""
        try:
            with self._client.stream("GET", path, headers=self._headers()) as response:
                if response.status_code != 200:
                    raise PeerUnavailableError(self.service)
                yield response.iter_lines()
        except httpx.HTTPError:
            raise PeerUnavailableError(self.service) from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        attributes = {"http.request.method": method, "peer.service": self.service}
        try:
            with tracing.span(f"{method} {self.service}", "client", attributes):
                response = self._client.request(method, path, headers=self._headers(), **more)
        except httpx.HTTPError:
            raise PeerUnavailableError(self.service) from None
        if response.status_code >= 500:
            raise PeerUnavailableError(self.service)
        return response

    def _headers(self) -> dict[str, str]:
        traced = {} if (here := tracing.current()) is None else {"traceparent": here}
        return traced if self._signer is None else {"Authorization": self._signer.authorization(self.service), **traced}
