"""The embedded composition: three services, three SQLite files and one bus in a single process.

Owns the one place that knows it is embedded. Refuses to be more than it is: one process, for trying Concord and for
developing against it.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from flask import Flask
from gunicorn.app.base import BaseApplication
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from services.directory import app as directory
from services.directory import deps as directory_deps
from services.directory import worker as directory_worker

from .chassis import logs, migrate
from .chassis.bus import Bus, LocalBus
from .chassis.clock import Clock, SystemClock
from .chassis.config import SERVICES, Service, SettingError, Settings
from .chassis.db import Database
from .chassis.log_key import make_log_key
from .chassis.peer_http import HttpPeer
from .chassis.process import Background
from .chassis.service_auth import ServiceSigner, ServiceVerifier, make_keys
from .chassis.wake import LocalNotifier
from .consent import app as consent
from .consent import worker as consent_worker
from .consent.account_key import make_account_key
from .messaging import app as messaging
from .messaging import worker as messaging_worker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 16


@dataclass(frozen=True)
class Embedded:
    """The three services of one process: their apps behind one origin, and what runs beside them."""

    apps: Mapping[Service, Flask]
    wsgi: DispatcherMiddleware
    directory: directory_deps.Deps
    consent: consent.Deps
    messaging: messaging.Deps
    bus: Bus

    def start(self, background: Background) -> None:
        """Start what the deployed web and worker processes would run beside the requests."""
        directory_worker.start(self.directory, self.bus, background)
        consent_worker.start(self.consent, self.bus, background)
        messaging_worker.start(self.messaging, self.bus, background)


def settings_in(data: Path, port: int | None = None) -> dict[Service, Settings]:
    """The settings of each service in the folder `data`; a given port is remembered there for the operator's
    commands. Raises `SettingError` for a folder in which nothing has ever run.
    """
    known = data / "port"
    if port is None and not known.exists():
        hint = f"start them first: make run, or concord-server local --data {data}"
        raise SettingError(f"--data {data}: the embedded services have never run there", hint)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if port is not None:
        known.write_text(str(port))
    base_url = f"http://127.0.0.1:{int(known.read_text())}"
    make_keys(data / "keys", SERVICES)
    make_account_key(data / "keys" / "account.jwk")
    make_log_key(data / "keys" / "key-log.jwk")
    return {service: _settings(service, data, base_url) for service in SERVICES}


def compose(settings: Mapping[Service, Settings], bus: Bus, clock: Clock | None = None) -> Embedded:
    """Put the services together. Brings their databases to the newest form first."""
    clock = clock or SystemClock()
    databases = {service: Database(each.database_url) for service, each in settings.items()}
    for service, database in databases.items():
        migrate.upgrade(database, service)
    verifiers = {service: ServiceVerifier.from_settings(each) for service, each in settings.items()}
    signers = {service: ServiceSigner.from_settings(each) for service, each in settings.items()}
    notifiers = {service: LocalNotifier() for service in SERVICES}

    people = directory.assemble(
        settings["directory"], databases["directory"], notifiers["directory"], clock, verifiers["directory"]
    )
    people_app = directory.create_app(people)
    apps: dict[Service, Flask] = {"directory": people_app}
    consents = consent.assemble(
        settings["consent"],
        databases["consent"],
        notifiers["consent"],
        clock,
        _peer(people_app, "directory", signers["consent"]),
        _peer(_later(apps, "messaging"), "messaging", signers["consent"]),
        verifiers["consent"],
    )
    apps["consent"] = consent.create_app(consents)
    letters = messaging.assemble(
        settings["messaging"],
        databases["messaging"],
        notifiers["messaging"],
        clock,
        _peer(people_app, "directory", signers["messaging"]),
        _peer(apps["consent"], "consent", signers["messaging"]),
        verifiers["messaging"],
    )
    apps["messaging"] = messaging.create_app(letters)
    wsgi = DispatcherMiddleware(NotFound(), {f"/{service}": app for service, app in apps.items()})
    return Embedded(apps, wsgi, people, consents, letters, bus)


def serve(data: Path, port: int) -> None:
    """Run until told to stop, on 127.0.0.1."""
    logs.configure("local")
    settings = settings_in(data, port)
    _Server(settings, str(data / "bus.sqlite"), port).run()


def check_free(port: int) -> None:
    """Raises `SettingError` for a port that somebody else has.

    Before anything is made: gunicorn would try for seconds, and leave a folder in which nothing has run.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does: what has just ended is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            hint = "end what runs there, or take another port: concord-server local --port 8081"
            raise SettingError(f"port {port} of 127.0.0.1 is in use", hint) from None


def _settings(service: Service, data: Path, base_url: str) -> Settings:
    return Settings(
        service=service,
        database_url=f"sqlite:///{(data / service).absolute()}.sqlite",
        base_url=base_url,
        service_key_file=data / "keys" / f"{service}.jwk",
        service_keys_file=data / "keys" / "services.jwks",
        account_key_file=data / "keys" / "account.jwk" if service == "consent" else None,
        log_key_file=data / "keys" / "key-log.jwk" if service == "directory" else None,
    )


def _peer(app: WSGIApplication, name: str, signer: ServiceSigner) -> HttpPeer:
    return HttpPeer(f"http://{name}.local", name, signer, httpx.WSGITransport(app))


def _later(apps: Mapping[Service, Flask], name: Service) -> WSGIApplication:
    """An app that is looked up when it is asked: messaging is made of the consent service's, which asks it in turn."""
    return lambda environ, start: apps[name](environ, start)  # noqa: PLW0108 - `apps` has it later only


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, as deployed, but with one worker process: SQLite has one writer."""

    def __init__(self, settings: Mapping[Service, Settings], bus_path: str, port: int) -> None:
        self._settings = settings
        self._bus_path = bus_path
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"127.0.0.1:{self._port}",
            "workers": 1,
            "threads": THREADS,
            "worker_class": "gthread",
            "loglevel": "warning",
            "graceful_timeout": 5,
            "timeout": 120,
            "keepalive": 75,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> DispatcherMiddleware:
        # In the worker, after the fork: connections and threads are never shared over it.
        embedded = compose(self._settings, LocalBus(self._bus_path))
        embedded.start(Background())
        return embedded.wsgi
