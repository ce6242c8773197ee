"""Checks of what is around a service: its keys, the broker, its peers, the certificate that clients see.

Owns these questions. Refuses to show a key or an address with a password.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from cryptography import x509
from joserfc.jwk import OKPKey

from services.chassis.bus import BusUnavailableError, Depth
from services.chassis.bus_rabbitmq import RabbitBus
from services.chassis.config import Service, Settings
from services.chassis.service_auth import ServiceSigner, read_public_keys

from . import Finding
from .database import SKEW_SECONDS

# What each service asks of its peers, in a form that changes nothing: is our signature taken there?
_NOBODY = UUID(int=0)
_PROBES: dict[Service, dict[Service, str]] = {
    "messaging": {"directory": f"/v1/parties/practitioner/{_NOBODY}", "consent": ""},
    "consent": {"directory": f"/v1/parties/practitioner/{_NOBODY}", "messaging": "/v1/service/disclosure-counts"},
    "directory": {},
}
# The queues of each service: those that handle events of others have one, of their own name.
QUEUES: dict[Service, tuple[str, ...]] = {"messaging": ("messaging",), "consent": ("consent",), "directory": ()}
CERTIFICATE_DAYS = 14
DEEP = 5000
FREE_BYTES = 8 * 1024 * 1024


class DeploymentChecks:
    """Checks of one service's surroundings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def keys(self) -> Iterator[Finding]:
        """Whether this service's keys are there, are readable, and are a pair."""
        settings, mend = self._settings, "concord-server keys FOLDER, or make secrets"
        try:
            private = OKPKey.import_key(json.loads(settings.service_key_file.read_text()))
            public = read_public_keys(settings.service_keys_file)
            paired = public[settings.service].thumbprint() == private.thumbprint()
        except (OSError, ValueError, KeyError) as error:
            yield Finding("keys", False, f"cannot be read ({type(error).__name__})", mend)
            return
        detail = "a pair" if paired else "the public key that the others know is another one"
        yield Finding("keys", paired, detail, "give every service the same services.jwks")

    def room(self) -> Iterator[Finding]:
        """Whether there is room for temporary files."""
        free = shutil.disk_usage(tempfile.gettempdir()).free
        yield Finding("temporary files", free > FREE_BYTES, f"{free // 1024} KiB free", "make room there")

    def broker(self) -> Iterator[Finding]:
        """Whether the broker takes this user, and how full its queue and its dead letters are."""
        settings = self._settings
        if settings.amqp_url is None:
            yield Finding("broker", True, "not set: a web process needs none")
            return
        bus = RabbitBus(settings.amqp_url, prefix=settings.amqp_prefix)
        try:
            depths = bus.depths(QUEUES[settings.service])
        except BusUnavailableError:
            mend = "is RabbitMQ up (docker compose ps rabbitmq), and are user and password in CONCORD_AMQP_URL right?"
            yield Finding("broker", False, "does not answer, or refuses this user", mend)
            return
        yield Finding("broker", True, "answers")
        for queue in QUEUES[settings.service]:
            yield from _queue(queue, depths.get(queue))

    def peers(self) -> Iterator[Finding]:
        """Whether each peer answers, takes our signature, and has about our time of day."""
        signer = ServiceSigner.from_settings(self._settings)
        for peer, path in _PROBES[self._settings.service].items():
            yield from self._peer(peer, path, signer)

    def _peer(self, peer: Service, path: str, signer: ServiceSigner) -> Iterator[Finding]:
        address = getattr(self._settings, f"{peer}_url")
        signed = {"Authorization": signer.authorization(peer)}
        try:
            with httpx.Client(base_url=address, timeout=4) as http:
                ready = http.get("/readyz")
                told = http.get(path, headers=signed).status_code if path else 200
        except httpx.HTTPError as error:
            mend = f"is {peer}-api up (docker compose ps), and is CONCORD_{peer.upper()}_URL right?"
            yield Finding(f"peer {peer}", False, f"does not answer ({type(error).__name__})", mend)
            return
        status = ready.status_code
        yield Finding(f"peer {peer}", status == 200, f"/readyz says {status}", f"concord-server doctor {peer}, there")
        refused = told in (401, 403)
        mend = "every service needs the same services.jwks, and clocks that agree"
        yield Finding(f"signature at {peer}", not refused, "refused" if refused else "taken", mend)
        if date := ready.headers.get("Date"):
            skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
            # The header has whole seconds.
            yield Finding(f"clock of {peer}", skew < SKEW_SECONDS + 1, f"{skew:.0f} s from ours", "set both by NTP")

    def certificate(self) -> Iterator[Finding]:
        """How long the certificate that clients see is still valid, where it can be reached from here."""
        parts = urlsplit(self._settings.base_url)
        if parts.scheme != "https" or not parts.hostname:
            return
        try:
            with socket.create_connection((parts.hostname, parts.port or 443), timeout=3) as plain:
                context = ssl._create_unverified_context()  # noqa: S323 - its dates are read, nothing is said
                with context.wrap_socket(plain, server_hostname=parts.hostname) as tls:
                    seen = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        except OSError:
            yield Finding("certificate", True, "not reachable from here, so not looked at")
            return
        days = (seen.not_valid_after_utc - datetime.now(UTC)).days
        mend = "put a new one into .secrets/gateway, then: make reload-certificate"
        yield Finding("certificate", days >= CERTIFICATE_DAYS, f"{days} days left", mend)


def _queue(queue: str, depth: Depth | None) -> Iterator[Finding]:
    if depth is None:
        mend = f"start the worker: concord-server worker {queue}"
        yield Finding(f"queue {queue}", False, "nobody has declared it", mend)
        return
    yield Finding(f"queue {queue}", depth.waiting < DEEP, f"{depth.waiting} events wait", "is its worker up?")
    mend = f"concord-server dead-letters list {queue}, and replay once the reason is mended"
    yield Finding("dead letters", not depth.dead, f"{depth.dead} were set aside", mend)
