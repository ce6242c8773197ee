"""The keys that sign access tokens, and the tokens they sign (RFC 9068, RFC 9449 section 6).

Owns the key set in the database, its rotation and the claims of a token. Refuses to sign for anybody: who may have a
token is decided in `signing_in.py`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import delete, select, text
from sqlalchemy import true as sql_true
from sqlalchemy.orm import Session

from services.chassis.auth import AUDIENCE, TOKEN_TYPE, Caller
from services.chassis.clock import Clock
from services.chassis.db import Database

from .models import TokenKey
from .rules import rotation

ALGORITHM = "Ed25519"
# A key is published ten minutes before it signs: a process that looks twice a minute always knows it in time.
RELOAD_SECONDS = 30
# Any number, the same in every process of the directory.
_ROTATION_LOCK = text("SELECT pg_advisory_xact_lock(7404951)")


@dataclass(frozen=True)
class Known:
    """The key set at one moment: keys by their ids, and since when each signs."""

    keys: Mapping[str, OKPKey]
    times: Sequence[rotation.KeyTimes]


class TokenKeys:
    """The key set, as this process last read it. A `KeySource` for the directory's own sign-in checks. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._known = Known({}, ())

    def find(self, kid: str) -> OKPKey | None:
        """The public half of a key in the set, or None."""
        key = self._refresh().keys.get(kid)
        return None if key is None else OKPKey.import_key(_public(key))

    def public_set(self) -> list[dict[str, str | list[str]]]:
        """The public halves as JWKs (RFC 7517, section 5), those that will sign soon among them."""
        keys = self._refresh().keys
        return [_public(key) | {"kid": kid, "use": "sig", "alg": ALGORITHM} for kid, key in keys.items()]

    def issue(self, caller: Caller, *, issuer: str, thumbprint: str) -> str:
        """An access token for the caller, bound to the key with that thumbprint."""
        known = self._refresh()
        kid = rotation.signing(known.times, self._clock.now())
        if kid is None:
            known = self.rotate()
            kid = rotation.signing(known.times, self._clock.now())
        assert kid is not None  # noqa: S101 - the rotation has just made the first key
        header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": kid}
        return jwt.encode(header, self._claims(caller, issuer, thumbprint), known.keys[kid], algorithms=[ALGORITHM])

    def rotate(self) -> Known:
        """Make and forget keys as the rotation asks; called by the worker, by all processes at the very first token."""
        with self._database.transaction() as session:
            if self._database.is_postgresql:
                session.execute(_ROTATION_LOCK)
            now = self._clock.now()
            plan = rotation.plan([_times(row) for row in session.scalars(select(TokenKey))], now)
            if plan.make is not None:
                _make(session, plan.make)
            session.execute(delete(TokenKey).where(TokenKey.kid.in_(plan.forget)))
        self._read_at = float("-inf")
        return self._refresh()

    def replace(self, *, at_once: bool) -> datetime:
        """Make a new key by an operator's word, and forget the old ones if `at_once`; from when it signs."""
        with self._database.transaction() as session:
            if self._database.is_postgresql:
                session.execute(_ROTATION_LOCK)
            now = self._clock.now()
            signs_from = now if at_once else now + rotation.PUBLISH_AHEAD
            session.execute(delete(TokenKey).where(sql_true() if at_once else TokenKey.signs_from > now))
            _make(session, signs_from)
        self._read_at = float("-inf")
        self._refresh()
        return signs_from

    def _claims(self, caller: Caller, issuer: str, thumbprint: str) -> dict[str, object]:
        now = int(self._clock.now().timestamp())
        return {
            "iss": issuer,
            "sub": str(caller.practitioner),
            "client_id": str(caller.device),
            "aud": AUDIENCE,
            "org": str(caller.organization),
            "role": caller.role,
            "cnf": {"jkt": thumbprint},
            "iat": now,
            "exp": now + rotation.TOKEN_SECONDS,
            "jti": str(uuid4()),
        }

    def _refresh(self) -> Known:
        with self._lock:
            if self._clock.boottime() - self._read_at < RELOAD_SECONDS:
                return self._known
            with self._database.transaction() as session:
                rows = list(session.scalars(select(TokenKey).order_by(TokenKey.signs_from, TokenKey.kid)))
            keys = {row.kid: OKPKey.import_key(json.loads(row.jwk)) for row in rows}
            self._known = Known(keys, [_times(row) for row in rows])
            self._read_at = self._clock.boottime()
            return self._known


def _make(session: Session, signs_from: datetime) -> None:
    key = OKPKey.generate_key("Ed25519")
    session.add(TokenKey(kid=key.thumbprint(), jwk=json.dumps(key.as_dict(private=True)), signs_from=signs_from))


def _times(row: TokenKey) -> rotation.KeyTimes:
    return rotation.KeyTimes(row.kid, row.signs_from)


def _public(key: OKPKey) -> dict[str, str | list[str]]:
    members = key.as_dict(private=False)
    return {name: str(members[name]) for name in ("kty", "crv", "x")}
