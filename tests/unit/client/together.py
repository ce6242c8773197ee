"""The services' answers about teams, delegations and coverage; what they say is a test's to decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from concord.api.coverage import CoverageApi
from concord.api.delegations import DelegationsApi
from concord.api.teams import TeamsApi
from concord.errors import ServiceError
from concord.transport import Transport
from concord_formats.delegations import SignedDelegation, unverified_delegation
from concord_formats.signatures import from_base64url, to_base64url

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def body_of(signed: SignedDelegation) -> dict[str, str]:
    """A delegation as it is sent."""
    return {"line": to_base64url(signed.line), "signature": to_base64url(signed.signature)}


@dataclass
class FakeServices:
    """`holds` says whether what is ended is said to hold everywhere; lists are answered `page` at a time, of `anything`
    whatever was asked for.
    """

    teams: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    delegations: list[dict[str, Any]] = field(default_factory=list)
    coverage: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    departments: dict[UUID, str] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    holds: list[bool] = field(default_factory=list)
    anything: bool = False
    page: int = 2

    def json(self, method: str, path: str, **request: Any) -> Any:
        """What a signed-in request is answered."""
        plain = path.replace("/directory/v1/", "").replace("/messaging/v1/", "")
        asked = f"{method} {_ID.sub('ID', plain)}"
        self.asked.append(asked)
        ids = [UUID(each) for each in _ID.findall(path)]
        sent = request.get("json") or request.get("params") or {}
        return self.routes[asked](ids, sent)

    @property
    def routes(self) -> dict[str, Callable[[list[UUID], dict[str, Any]], Any]]:
        """What is answered at which address."""
        return {
            "GET teams": lambda _, query: self._paged("teams", list(self.teams.values()), query),
            "GET teams/ID": lambda ids, _: self._found(self.teams.get(ids[0])),
            "POST teams": self._create,
            "PUT teams/ID/members/ID": self._add,
            "DELETE teams/ID/members/ID": lambda *_: self._ended("removed", "removing"),
            "POST teams/ID/closing": lambda *_: self._ended("closed", "closing"),
            "GET teams/ID/letters": lambda _, query: self._paged("letters", self.letters, query, "after"),
            "POST delegations": lambda _, body: self.record(body),
            "GET delegations": self._delegations,
            "DELETE delegations/ID": lambda *_: self._ended("revoked", "revoking"),
            "GET practitioners/ID/coverage": lambda ids, _: self._found(self.coverage.get(ids[0])),
            "PUT practitioners/ID/coverage": self._cover,
            "DELETE practitioners/ID/coverage": lambda ids, _: self.coverage.pop(ids[0], None) and None,
            "GET organizations/ID/departments": self._departments,
            "POST departments": self._department,
            "DELETE departments/ID": lambda ids, _: self.departments.pop(ids[0]) and None,
            "PUT departments/ID/members/ID": lambda *_: None,
            "DELETE departments/ID/members/ID": lambda *_: None,
        }

    @property
    def transport(self) -> Transport:
        """As the calls' classes take it."""
        return cast(Transport, self)

    @property
    def teams_api(self) -> TeamsApi:
        """The calls about teams."""
        return TeamsApi(self.transport)

    @property
    def delegations_api(self) -> DelegationsApi:
        """The calls about delegations."""
        return DelegationsApi(self.transport)

    @property
    def coverage_api(self) -> CoverageApi:
        """The calls about coverage."""
        return CoverageApi(self.transport)

    def team(self, organization: UUID, *members: UUID, **changed: Any) -> UUID:
        """A team of these people."""
        id_ = uuid4()
        now = datetime.now(UTC).isoformat()
        shown = [{"practitioner": str(each), "name": "?", "status": "active", "since": now} for each in members]
        place = {"id": str(organization), "name": "Harbor"}
        team = {"id": str(id_), "name": "Intake", "organization": place, "status": "active", "members": shown}
        self.teams[id_] = team | {"department": None} | changed
        return id_

    def record(self, body: dict[str, str], **changed: Any) -> dict[str, Any]:
        """A delegation comes onto record."""
        said = unverified_delegation(from_base64url(body["line"]))
        kept = {
            "id": str(said.delegation),
            "delegator": str(said.delegator),
            "delegate": str(said.delegate),
            "status": "active",
            "effective_at": None,
        }
        self.delegations.insert(0, kept | {name: body[name] for name in ("line", "signature")} | changed)
        return self.delegations[0]

    def keeps(self, signed: SignedDelegation, **changed: Any) -> None:
        """As `record`, for what was signed."""
        self.record(body_of(signed), **changed)

    def covers(self, away: UUID, covering: UUID, *, days: float = 3, status: str = "active", since: float = -1) -> None:
        """Somebody covers for somebody, from now for some days."""
        now = datetime.now(UTC)
        colleague = {"id": str(covering), "name": "?", "organization": {"id": str(uuid4()), "name": "Harbor"}}
        self.coverage[away] = {
            "practitioner": str(away),
            "covering": colleague | {"status": status},
            "starts_at": (now + timedelta(days=since)).isoformat(),
            "ends_at": (now + timedelta(days=days)).isoformat(),
        }

    def _paged(self, name: str, rows: list[Any], query: dict[str, Any], cursor: str = "cursor") -> dict[str, Any]:
        start = int(query.get(cursor, 0))
        after = start + self.page
        return {name: rows[start:after], "next": str(after) if after < len(rows) else None}

    def _found(self, row: Any) -> Any:
        if row is None:
            raise ServiceError(404, "not-found", "No such thing, or it is not yours to see.")
        return row

    def _ended(self, done: str, doing: str) -> dict[str, Any]:
        holds = self.holds.pop(0) if self.holds else True
        at = datetime.now(UTC).isoformat() if holds else None
        return {"status": done if holds else doing, "effective_at": at}

    def _create(self, _: list[UUID], body: dict[str, Any]) -> dict[str, Any]:
        return self.teams[self.team(uuid4(), name=body["name"])]

    def _add(self, ids: list[UUID], _: dict[str, Any]) -> dict[str, Any]:
        team = self.teams[ids[0]]
        team["members"] = [*team["members"], {"practitioner": str(ids[1]), "name": "?", "status": "active"}]
        return team

    def _delegations(self, _: list[UUID], query: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: query[name] for name in ("delegator", "delegate") if name in query and not self.anything}
        rows = [each for each in self.delegations if all(each[name] == value for name, value in wanted.items())]
        return self._paged("delegations", rows, query)

    def _cover(self, ids: list[UUID], body: dict[str, Any]) -> dict[str, Any]:
        self.covers(ids[0], UUID(body["covering"]))
        self.coverage[ids[0]] |= {name: body[name] for name in ("starts_at", "ends_at")}
        return self.coverage[ids[0]]

    def _departments(self, _: list[UUID], query: dict[str, Any]) -> dict[str, Any]:
        rows = [{"id": str(id_), "name": name} for id_, name in self.departments.items()]
        return self._paged("departments", rows, query)

    def _department(self, _: list[UUID], body: dict[str, Any]) -> dict[str, Any]:
        id_ = uuid4()
        self.departments[id_] = body["name"]
        return {"id": str(id_), "name": body["name"]}
