"""The gateway, as a client meets it and as an operator sets it.

Owns the ways of a test to it: a usual client, one that is slow, and settings of an operator's own. Refuses to judge
what it answers.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from tests.deploy.composition import Composition
from tests.deployment import wait_for


def client_of(composition: Composition) -> httpx.Client:
    """A usual one, which trusts this deployment. It is patient, as Concord's own: the machine may be slow."""
    return httpx.Client(base_url=composition.base_url, transport=composition.transport(), timeout=60)


def trusting(composition: Composition) -> ssl.SSLContext:
    """What trusts this deployment's certificate alone."""
    return ssl.create_default_context(cafile=str(composition.folder / ".secrets/gateway/tls.crt"))


@contextmanager
def unfinished(composition: Composition, method: str, path: str, count: int) -> Iterator[list[ssl.SSLSocket]]:
    """So many requests of one client that announce a body, send one byte of it, and then nothing."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with ExitStack() as kept:
        made = []
        for _ in range(count):
            raw = kept.enter_context(socket.create_connection(("localhost", composition.port)))
            made.append(kept.enter_context(trusting(composition).wrap_socket(raw, server_hostname="localhost")))
            made[-1].sendall(f"{head}x".encode())
        yield made


def answered(request: ssl.SSLSocket) -> bool:
    """Whether an answer to it has begun by now."""
    request.settimeout(0.01)
    try:
        return bool(request.recv(1))
    except (TimeoutError, ssl.SSLWantReadError):
        return False


@contextmanager
def own_settings(composition: Composition, text: str) -> Iterator[None]:
    """What docs/operations.md has an operator write into a file of their own."""
    place = composition.folder / "deploy" / "gateway" / "mine.conf"
    place.write_text(text)
    reload_gateway(composition)
    try:
        yield
    finally:
        place.unlink()
        reload_gateway(composition)


def reload_gateway(composition: Composition) -> None:
    """As `make reload-certificate` does."""
    with reloading(composition):
        composition.compose("exec", "-T", "gateway", "nginx", "-c", "/etc/concord/nginx.conf", "-s", "reload")


@contextmanager
def reloading(composition: Composition) -> Iterator[None]:
    """What reloads the gateway; over once the processes that had the old settings let go of their clients.

    They close idle connections as they go, and a request that a client sends into one at that moment is lost.
    """
    before = workers(composition)
    yield
    wait_for(lambda: _all_new(before, workers(composition)), 90, "the old workers to end")


def _all_new(before: set[str], now: set[str]) -> bool:
    return bool(now) and before.isdisjoint(now)


def workers(composition: Composition) -> set[str]:
    """The processes of the gateway that serve: every one but nginx's master, which is the container's first."""
    look = "for each in /proc/[0-9]*; do grep -qs 'nginx: worke[r]' $each/cmdline && echo $each; done; true"
    return set(composition.compose("exec", "-T", "gateway", "sh", "-c", look).split())
