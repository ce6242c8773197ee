"""How services know each other: a short-lived JWT, signed by the sender's own Ed25519 key, for one receiver.

Owns the signing, the verification and the files of these keys. Refuses practitioners: a person's token opens no door
between services, and a service's token none of a person's.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar, cast
from uuid import uuid4

from flask import Request, current_app, request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from . import key_files
from .config import Settings
from .problems import Problem

ALGORITHMS = ["Ed25519"]
# Long enough for one request between two machines, short enough that one found in a trace is worth nothing.
VALID_SECONDS = 60
# A token is used again for half its life, so that renewing a lease each second does not sign each second.
REUSE_SECONDS = 30
SKEW_SECONDS = 5


class ServiceSigner:
    """Signs for one service. Thread-safe."""

    def __init__(self, service: str, key: OKPKey) -> None:
        self.service = service
        self._key = key
        self._ready: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> ServiceSigner:
        """The signer of this service, with the private key in `service_key_file`. Raises OSError, `SettingError`."""
        with key_files.named_by("CONCORD_SERVICE_KEY_FILE"):
            return cls(settings.service, OKPKey.import_key(json.loads(settings.service_key_file.read_text())))

    def authorization(self, audience: str) -> str:
        """The Authorization header for a request to the service named `audience`."""
        now = time.time()
        with self._lock:
            made, text = self._ready.get(audience, (0.0, ""))
            if not 0 <= now - made < REUSE_SECONDS:
                text = self._sign(audience, int(now))
                self._ready[audience] = (now, text)
        return f"Bearer {text}"

    def _sign(self, audience: str, now: int) -> str:
        claims = {
            "iss": self.service,
            "aud": audience,
            "iat": now,
            "exp": now + VALID_SECONDS,
            "jti": str(uuid4()),
        }
        header = {"alg": ALGORITHMS[0], "typ": "concord-service+jwt", "kid": self.service}
        return jwt.encode(header, claims, self._key, algorithms=ALGORITHMS)


class ServiceVerifier:
    """Knows the public keys of all services, and which service it stands in front of."""

    def __init__(self, service: str, keys: Mapping[str, OKPKey]) -> None:
        self._service = service
        self._keys = dict(keys)

    @classmethod
    def from_settings(cls, settings: Settings) -> ServiceVerifier:
        """The verifier of this service, with the public keys in `service_keys_file`. Raises OSError, `SettingError`."""
        with key_files.named_by("CONCORD_SERVICE_KEYS_FILE"):
            return cls(settings.service, read_public_keys(settings.service_keys_file))

    def verify(self, incoming: Request) -> str:
        """The name of the service that makes a request. Raises problem 401 `service-unauthenticated`."""
        scheme, _, text = incoming.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise ValueError("no service token")
            return self._issuer_of(text.strip())
        except (JoseError, ValueError, KeyError, TypeError):
            detail = "This address is for Concord's own services, which sign their requests."
            problem = Problem(401, "service-unauthenticated", "Not a service", detail)
            raise problem.with_header("WWW-Authenticate", "Bearer") from None

    def _issuer_of(self, text: str) -> str:
        header = jws.extract_compact(text.encode("ascii")).headers()
        if header.get("typ") != "concord-service+jwt" or header.get("alg") not in ALGORITHMS:
            raise ValueError("no service token")
        name = str(header["kid"])
        claims = jwt.decode(text, self._keys[name], algorithms=ALGORITHMS).claims
        now = time.time()
        in_force = claims["iat"] - SKEW_SECONDS <= now < claims["exp"] <= claims["iat"] + VALID_SECONDS
        if claims["iss"] != name or claims["aud"] != self._service or not in_force:
            raise ValueError("not for this service, or not now")
        return name


P = ParamSpec("P")
R = TypeVar("R")


def require_service(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only the named services reach the route. Stands below the route's own decorator."""

    def decorate(route: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(route)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            verifier = cast(ServiceVerifier, current_app.extensions["concord.services"])
            if verifier.verify(request) not in names:
                detail = f"Only {' and '.join(names)} may ask this."
                raise Problem(403, "service-not-allowed", "Not for this service", detail)
            return route(*args, **kwargs)

        return checked

    return decorate


def read_public_keys(path: Path) -> dict[str, OKPKey]:
    """The services' public keys by name, from a JWKS file whose `kid` are the names. Raises OSError, ValueError."""
    keys = json.loads(path.read_text())["keys"]
    return {str(key["kid"]): OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x")}) for key in keys}


def make_keys(folder: Path, services: Iterable[str]) -> None:
    """Write `<service>.jwk` (private, mode 0600) for each service and `services.jwks` (public) into `folder`.

    Keys that are there already are kept: whoever runs this twice changes nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    public = []
    for service in services:
        path = folder / f"{service}.jwk"
        if not path.exists():
            key_files.write(path, OKPKey.generate_key("Ed25519").as_dict(private=True))
        key = OKPKey.import_key(json.loads(path.read_text())).as_dict(private=False)
        public.append({"kty": key["kty"], "crv": key["crv"], "x": key["x"], "kid": service, "alg": "Ed25519"})
    (folder / "services.jwks").write_text(json.dumps({"keys": public}))
