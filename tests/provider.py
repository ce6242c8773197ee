"""An OpenID Connect provider that is one: a process of its own, which knows everybody by the name they type.

Owns its start and its end, and what a person does in a browser at it. Refuses to be asked by a test what it thinks: a
test sees what the directory makes of it.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Self
from urllib.parse import urlsplit

import httpx

from tests.deployment import wait_for
from tests.real import free_port

START_SECONDS = 60.0


class Provider:
    """`issuer` is where it is; `down` stops it, and `up` starts it again at the same place."""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> Self:
        """Start it, unless it runs."""
        if self._process is None:
            line = [sys.executable, "-m", "oidc_provider_mock", "--port", str(self.port), "--require-nonce", "true"]
            self._process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(self._answers, START_SECONDS, "the identity provider to start")
        return self

    def down(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def sign_on(self, address: str, who: str) -> str:
        """A person follows the address, and signs on; the address that their browser is sent back to."""
        answer = httpx.post(address, data={"sub": who}, timeout=20)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def deny(self, address: str) -> str:
        """As `sign_on`, by somebody who says no."""
        answer = httpx.post(address, data={"action": "deny"}, timeout=20)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


def query_of(address: str) -> str:
    """The query of an address."""
    return urlsplit(address).query
