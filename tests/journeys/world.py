"""The two worlds of the journeys: the same people over the embedded services and over the deployed ones.

Owns what a journey may ask of either: a way for a client to the services, a look at their rows, what was written.
Refuses journeys that know which world they are in.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
from concord.client import Client
from concord.errors import ServiceError
from concord.profile import Profile
from stdnum import luhn
from typer.testing import CliRunner

from services import __main__ as command_line
from services import local
from services.chassis.bus import LocalBus
from services.chassis.config import SERVICES
from services.chassis.process import Background
from tests.deployment import ORIGIN, Deployment, wait_for
from tests.people import PASSPHRASE, People, Practice, enrol_people, enrol_person, until_known
from tests.real import free_port

Rows = dict[str, int]
# Tables in which rows come and go without anybody's request: events on their way, feeds, sign-in.
MOVING = {"outbox", "inbox", "feed", "feed_event", "feed_position", "enforcement_point", "used_assertion", "token_key"}
# The consent service's account of disclosures follows what happened at its own pace.
PROJECTION = {
    f"consent.{name}" for name in ("disclosure", "account_leaf", "account_node", "account_log", "account_gap")
}
ACCOUNT = {"messaging.disclosure", "messaging.patient_account"}
COUNT = "SELECT count(*) FROM {}"
# Reminders of consents that end soon are written every five minutes, at nobody's request; every other notice counts.
REQUESTED = {"notice": " WHERE kind <> 'renewal-due'"}
# A decision has half of it, in real time, on a machine that does other things besides. With the lease's 5 s it must
# stay below the 8 s for which a revocation's answer waits.
GATE_DEADLINE_SECONDS = 2.5
# Some seconds: long enough to be seen waiting, and to be objected to.
RECOVERY_DELAY_HOURS = 3 / 3600
_numbers = itertools.count(1)


def counting(table: str) -> str:
    """The query for how many rows of a table somebody's request has made."""
    return COUNT.format(table) + REQUESTED.get(table, "")


class World(ABC):
    """The services of one composition, and the people who use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._further: list[Client] = []

    people: People

    @property
    @abstractmethod
    def base_url(self) -> str:
        """The origin that clients know."""

    @abstractmethod
    def transport(self) -> httpx.BaseTransport:
        """A way for one client to the services."""

    @abstractmethod
    def operator(self, *words: str) -> str:
        """Run `concord-server directory …`; what it printed."""

    @abstractmethod
    def _tables(self, service: str) -> Rows:
        """How many rows each table of a service has."""

    def enrol(self) -> None:
        """The physician, the psychologist and their offices."""
        self.people = enrol_people(self.folder / "people", self.operator, self.transport)
        until_known(lambda service, table: self._tables(service)[table])

    def another(self, practice: Practice, name: str) -> Client:
        """One more clinician of a practice, of whom nobody has heard before."""
        number = next(_numbers)
        person = enrol_person(self.folder / "people", practice, f"{name}-{number}", self.transport, npi(number))
        self._further.append(person)
        until_known(lambda service, table: self._tables(service)[table])
        return person

    def again(self, person: Client, transport: httpx.BaseTransport) -> Client:
        """The same person on the same device, over another way to the services."""
        return self.unlocked(Profile(person.profile.home), transport)

    def unlocked(self, profile: Profile, transport: httpx.BaseTransport | None = None) -> Client:
        """Whoever is enrolled in a folder."""
        found = Client.unlock(profile, PASSPHRASE, transport=transport or self.transport())
        self._further.append(found)
        return found

    def rows(self) -> Rows:
        """How many rows each table has, but those that move by themselves: `service.table`."""
        counted = ((f"{service}.{table}", n) for service in SERVICES for table, n in self._tables(service).items())
        return {name: n for name, n in counted if name.split(".")[1] not in MOVING}

    @contextmanager
    def nothing_written(self, **besides: int) -> Iterator[None]:
        """Whatever happens in the block leaves no row of messaging and consent behind, `besides` some it names."""
        # A refusal is a line of the account where the consent is known, and none where it is not.
        moving = PROJECTION | (ACCOUNT if "refusal" in besides else set())
        before = self._still(moving)
        yield
        expected = {name: n + besides.get(name.split(".")[1], 0) for name, n in before.items()}
        found = self._still(moving)
        assert found == expected, {name: (n, found[name]) for name, n in expected.items() if found[name] != n}

    def _still(self, moving: set[str]) -> Rows:
        """The rows, without those of the account that move."""
        return {name: n for name, n in self.rows().items() if name not in moving}

    def close(self) -> None:
        """Close everybody's connections."""
        self.people.close()
        for person in self._further:
            person.close()


class InProcess(httpx.BaseTransport):
    """Calls the embedded services in this process, with the length that a server would have found out."""

    def __init__(self, wsgi: object) -> None:
        self._wsgi = httpx.WSGITransport(wsgi, raise_app_exceptions=False)  # type: ignore[arg-type]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Forward one request."""
        if request.headers.pop("Transfer-Encoding", None):
            request.headers["Content-Length"] = str(len(request.read()))
        return self._wsgi.handle_request(request)


class EmbeddedWorld(World):
    """One process: SQLite, the local bus, no network."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.data = folder / "server"
        unhurried = {"gate_deadline_seconds": GATE_DEADLINE_SECONDS, "recovery_delay_hours": RECOVERY_DELAY_HOURS}
        settings = local.settings_in(self.data, free_port())
        self._settings = {service: each.model_copy(update=unhurried) for service, each in settings.items()}
        self._bus = LocalBus(str(self.data / "bus.sqlite"))
        self.services = local.compose(self._settings, self._bus)
        self._background = Background()
        self.services.start(self._background)
        self.enrol()

    @property
    def base_url(self) -> str:
        """See `World`."""
        return self._settings["messaging"].base_url

    def transport(self) -> InProcess:
        """See `World`."""
        return InProcess(self.services.wsgi)

    def operator(self, *words: str) -> str:
        """See `World`."""
        done = CliRunner().invoke(command_line.app, ["directory", *words, "--data", str(self.data)])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    def _tables(self, service: str) -> Rows:
        with contextlib.closing(sqlite3.connect(self.data / f"{service}.sqlite", timeout=10)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return {name: connection.execute(counting(name)).fetchone()[0] for (name,) in names}

    def close(self) -> None:
        """Stop what runs beside the requests."""
        super().close()
        self._background.stop()
        self._bus.close()


class DeployedWorld(World):
    """Real processes, PostgreSQL, RabbitMQ."""

    def __init__(self, folder: Path, deployment: Deployment) -> None:
        super().__init__(folder)
        self.deployment = deployment
        self.enrol()

    @property
    def base_url(self) -> str:
        """See `World`."""
        return ORIGIN

    def transport(self) -> httpx.BaseTransport:
        """See `World`."""
        return self.deployment.transport()

    def operator(self, *words: str) -> str:
        """See `World`."""
        return self.deployment.command("directory", "directory", *words)

    def _tables(self, service: str) -> Rows:
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        with psycopg.connect(plain_url(self.deployment, service)) as connection:
            tables = [name for (name,) in connection.execute(names.encode()).fetchall()]
            counts = [connection.execute(counting(name).encode()).fetchone() for name in tables]
        return {name: count[0] for name, count in zip(tables, counts, strict=True) if count}


def plain_url(deployment: Deployment, service: str) -> str:
    """A database's address as PostgreSQL's own tools spell it."""
    return deployment.database_url(service).replace("postgresql+psycopg", "postgresql")


def npi(number: int) -> str:
    """A National Provider Identifier with its check digit (45 CFR 162.406: Luhn over 80840 and nine digits)."""
    digits = f"1{number:08d}"
    return digits + luhn.calc_check_digit("80840" + digits)


def refusal(act: Callable[[], object]) -> ServiceError:
    """What a service refused with; its detail must tell what to do, and hold no trace."""
    try:
        act()
    except ServiceError as refused:
        assert len(refused.message) > 8, f"{refused.type} says nothing"
        assert "Traceback" not in refused.message
        return refused
    raise AssertionError("it was not refused")


def account(person: Client, consent: UUID, *events: str) -> list[str]:
    """The events of a consent's account, once it tells of all of `events`: it follows the letters within moments."""

    def told() -> list[str]:
        return [line.event for line in person.consents.disclosures(consent)]

    wait_for(lambda: set(events) <= set(told()), 60, f"the account to tell of {', '.join(events)}", lambda: str(told()))
    return told()


def members(line: bytes) -> Mapping[str, object]:
    """The members of an address line."""
    found: Mapping[str, object] = json.loads(line)
    return found
