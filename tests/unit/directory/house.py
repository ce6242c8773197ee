"""A directory for tests, on a database of its own, with a clock and a barrier that a test moves by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from concord_formats.identity_checks import Checked, IdentityCheck, SignedIdentityCheck, written
from concord_formats.key_log import origin
from concord_formats.signatures import SignedKind, to_base64url
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from joserfc.jwk import OKPKey
from sqlalchemy import select

from services.chassis.auth import Caller
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.dpop import digest
from services.chassis.event import Event
from services.chassis.feed import Feed, Number
from services.chassis.log_key import LogKey
from services.chassis.service_auth import ServiceSigner, ServiceVerifier
from services.chassis.wake import LocalNotifier
from services.directory import enrolment, models
from services.directory.app import create_app
from services.directory.deps import Deps
from services.directory.identity import by_operator
from services.directory.rules.people import Role
from services.directory.tokens import TokenKeys
from tests.unit.chassis.hand_clock import HandClock
from tests.unit.chassis.visitor import sign_anything
from tests.unit.directory.account import Account, TestDevice, body_of, read_code

BASE = "http://concord.test"
ISSUER = f"{BASE}/directory"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class HandBarrier:
    """Says what a test wants it to say, and notes what it was asked."""

    database: Database
    clock: HandClock
    open: bool = True
    asked: list[int] = field(default_factory=list)

    def await_effective(self, change: Number, timeout: float) -> bool:
        """The answer set by the test; a change that holds is written down as one."""
        self.asked.append(change.seq)
        if self.open:
            with self.database.transaction() as session:
                session.get_one(models.FeedEvent, change).effective_at = self.clock.now()
        return self.open

    def settle_pending(self) -> None:
        """Nothing is written down: a test looks at `asked`."""


class House:
    """The directory's app with its parts at hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = HandClock()
        self.barrier = HandBarrier(database, self.clock)
        self.service_keys = {name: OKPKey.generate_key("Ed25519") for name in ("consent", "messaging")}
        verifier = ServiceVerifier("directory", self.service_keys)
        notifier = LocalNotifier()
        feed = Feed(database, notifier, self.clock, _settings(), models)
        self.log_key = LogKey(origin(BASE), Ed25519PrivateKey.generate())
        self.deps = Deps(_settings(), database, self.clock, feed, self.barrier, notifier, verifier, self.log_key)
        self.keys = TokenKeys(database, self.clock)

    @cached_property
    def app(self) -> OpenAPI:
        """The app, made when it is first asked for: not every test speaks HTTP."""
        return self.another_process()

    @cached_property
    def client(self) -> FlaskClient:
        """A way to the app."""
        return self.app.test_client()

    def another_process(self) -> OpenAPI:
        """A further app on the same database, which shares nothing else with the first."""
        return create_app(self.deps)

    def events(self) -> list[Event]:
        """Everything the feed holds, in order."""
        with self.database.transaction() as session:
            bodies = session.scalars(select(models.FeedEvent.body).order_by(models.FeedEvent.seq)).all()
        return [Event.decode(body) for body in bodies]

    def spoken(self) -> list[str]:
        """The short names of those events."""
        return [event.type.removeprefix("care.concord.directory.").removesuffix(".v1") for event in self.events()]

    def signer(self, service: str) -> ServiceSigner:
        """How another service signs."""
        return ServiceSigner(service, self.service_keys[service])

    def administrator(self, organization: UUID | None = None) -> Person:
        """An enrolled administrator, of a new organization unless one is given."""
        place = organization or enrolment.add_organization(self.deps, "North Clinic")
        checked = by_operator(self.deps, Checked.KNOWN_IN_PERSON, None)
        invited = enrolment.invite_administrator(self.deps, place, "Ada Admin", checked)
        return self._enrolled(invited.code, place)

    def practitioner(self, by: Person, name: str = "Pia Practice", npi: str | None = None) -> Person:
        """An enrolled practitioner whom an administrator invited."""
        return self._enrolled(by.invites(name, npi).code, by.organization)

    def _enrolled(self, code: str, organization: UUID) -> Person:
        members = read_code(code)
        account, device = Account(UUID(members["practitioner"])), TestDevice()
        body = {"practitioner": str(account.id), "secret": members["secret"]}
        answer = self.client.post("/v1/enrolments", json=body | body_of(account.first_entry(device)))
        assert answer.status_code == 201, answer.data
        return Person(self, account, device, organization)


@dataclass
class Person:
    """Somebody enrolled, at one of their devices."""

    house: House
    account: Account
    device: TestDevice
    organization: UUID
    token: str | None = None

    @property
    def id(self) -> UUID:
        """The account's id."""
        return self.account.id

    def caller(self) -> Caller:
        """This person as a route hands them to a use case."""

        return Caller(self.id, self.organization, self.device.id, "administrator")

    def invites(self, name: str, npi: str | None = None) -> enrolment.Invited:
        """An invitation of a practitioner, with this administrator's word that they checked who that is."""
        person = enrolment.Person(Role.PRACTITIONER, name, npi)
        return enrolment.invite(self.house.deps, self.caller(), person, self.check(name=name, npi=npi))

    def invitation(self, **members: Any) -> dict[str, Any]:
        """The body of a request to invite."""
        checked = {name: value for name, value in members.items() if name != "taxonomy"}
        return {"role": "practitioner"} | members | {"identity": check_body(self.check(**checked))}

    def check(self, **changed: Any) -> SignedIdentityCheck:
        """This person's signed word who somebody is, some of it changed; `by` is a device that signs in the place of
        their own.
        """
        by = changed.pop("by", self.device)
        said = {
            "v": 1,
            "organization": self.organization,
            "role": "practitioner",
            "how": Checked.IN_PERSON_PHOTO_ID,
            "checked_on": self.house.clock.now().date(),
            "attestor": self.id,
            "device": self.device.id,
            "at": self.house.clock.now(),
        } | changed
        line = IdentityCheck(**said | {"name": written(said["name"])}).encode()
        return SignedIdentityCheck(line, by.signing.sign(SignedKind.IDENTITY_CHECK, line))

    def now(self) -> int:
        """Seconds since 1970 by the house's clock."""
        return int(self.house.clock.now().timestamp())

    def assertion(self, *, key: OKPKey | None = None, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """A client assertion, some of it changed."""
        claims = {
            "iss": str(self.device.id),
            "sub": str(self.device.id),
            "aud": ISSUER,
            "jti": str(uuid4()),
            "iat": self.now(),
            "exp": self.now() + 60,
        }
        head = {"alg": "Ed25519", "typ": "JWT"} | (header or {})
        return sign_anything(head, claims | changed, key or self.device.authentication)

    def proof(self, method: str, path: str, *, key: OKPKey | None = None, **changed: Any) -> str:
        """A DPoP proof for a path of the directory."""
        signer = key or self.device.authentication
        public = {name: signer.as_dict(private=False)[name] for name in ("kty", "crv", "x")}
        claims = {"jti": str(uuid4()), "htm": method, "htu": ISSUER + path.split("?", maxsplit=1)[0], "iat": self.now()}
        return sign_anything({"alg": "Ed25519", "typ": "dpop+jwt", "jwk": public}, claims | changed, signer)

    def ask_token(self, client: Any = None, *, assertion: str | None = None, proof: str | None = None) -> Any:
        """The answer of the token endpoint."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        }
        headers = {"DPoP": proof or self.proof("POST", "/v1/token")}
        return (client or self.house.client).post("/v1/token", data=form, headers=headers)

    def sign_in(self) -> str:
        """An access token."""
        answer = self.ask_token()
        assert answer.status_code == 200, answer.data
        return str(answer.get_json()["access_token"])

    def request(self, method: str, path: str, *, client: Any = None, **more: Any) -> Any:
        """A signed request; signs in first if need be."""

        self.token = self.token or self.sign_in()
        proof = self.proof(method, path, ath=digest(self.token))
        headers = {"Authorization": f"DPoP {self.token}", "DPoP": proof}
        return (client or self.house.client).open(path, method=method, headers=headers, **more)


def check_body(signed: SignedIdentityCheck) -> dict[str, str]:
    """The member of a request that carries an identity check."""
    return {"line": to_base64url(signed.line), "signature": to_base64url(signed.signature)}


def problem(answer: Any) -> tuple[int, str]:
    """Status and type of a refusal."""
    return answer.status_code, str(answer.get_json()["type"]).removeprefix("urn:concord:problem:")


def _settings() -> Settings:
    return Settings(
        service="directory",
        database_url="unused",
        base_url=BASE,
        service_key_file=Path("unused"),
        service_keys_file=Path("unused"),
        recovery_delay_hours=1,  # which a test can count through
    )
