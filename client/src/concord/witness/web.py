"""How a witness is reached: a WSGI app with one route, and the server that runs it.

Owns the mapping to HTTP and its bounds. Refuses TLS and limits of rate: those are the proxy's in front of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..errors import WitnessStateError
from .witness import Answer, Witness

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ROUTE = "/add-checkpoint"
# 63 lines of proof are 3 KiB, a checkpoint with sixteen signatures is 4.
MAX_BODY_BYTES = 64 * 1024
# Each waits for the disk, one at a time for a log.
THREADS = 4
MAX_CONNECTIONS = 100
# A connection that says nothing gives its place up; a log that asks once a minute opens a new one.
IDLE_SECONDS = 30
_log = logging.getLogger(__name__)


class WitnessApp:
    """The app: `POST /add-checkpoint`, and `GET /`, which says the verifier key."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), environ)
        body = answer.body.encode()
        headers = [
            ("Content-Type", answer.media_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:  # RFC 9110, section 15.5.6
            headers.append(("Allow", "POST"))
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [body]

    def _answer(self, method: str, path: str, environ: WSGIEnvironment) -> Answer:
        if path == ROUTE:
            return self._add(environ) if method == "POST" else Answer(405, "POST a checkpoint\n")
        if path in ("", "/") and method == "GET":
            return Answer(200, f"{self._witness.signer.verifier}\n")
        return Answer(404, f"there is only POST {ROUTE}\n")

    def _add(self, environ: WSGIEnvironment) -> Answer:
        body = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            return Answer(413, f"at most {MAX_BODY_BYTES} bytes\n")
        try:
            return self._witness.add_checkpoint(body)
        except (WitnessStateError, OSError) as error:
            # Neither says what was sent; the operator must know which file it is.
            _log.error("failed reason=%r", str(error))
            return Answer(500, "the witness cannot keep its state\n")


class WitnessServer:
    """The server, which listens from its making on. `bind` is HOST:PORT.

    Raises OSError when the address cannot be had, ValueError when it is none.
    """

    def __init__(self, app: WitnessApp, bind: str) -> None:
        from waitress.server import create_server  # noqa: PLC0415 - no other command needs it, and it takes a while

        self._server: Any = create_server(
            app,
            listen=bind,
            threads=THREADS,
            connection_limit=MAX_CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            max_request_body_size=MAX_BODY_BYTES,
            ident=None,
        )

    @property
    def address(self) -> str:
        """The address in use; of several of one name, the first."""
        if hasattr(self._server, "effective_listen"):
            return ":".join(map(str, self._server.effective_listen[0]))
        return f"{self._server.effective_host}:{self._server.effective_port}"

    def run(self) -> None:
        """Serve until the process is told to end."""
        self._server.run()


__all__ = ["MAX_BODY_BYTES", "ROUTE", "WitnessApp", "WitnessServer"]
