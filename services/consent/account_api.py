"""The account's addresses: a patient's export, and what the log says of itself.

Owns the routes and their shapes. Refuses logic. An export is for those who are signed in; checkpoint, key and
consistency are for everybody, and tell nothing of anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from concord_formats.address import PatientToken
from concord_formats.merkle import MAX_SIZE
from concord_formats.signatures import to_base64url
from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from services.chassis.problems import declared
from services.chassis.web import SIGNED_IN, Answer, answer, blueprint

from .account_export import Line, Log, Page
from .account_key import AccountKey
from .signed_in import member

# A line with its proof is below 4 KiB, for the lines that messaging makes and any log that there will be.
MAX_LINES = 200

Number = Annotated[int, Field(ge=0, le=MAX_SIZE)]


class AccountPath(BaseModel):
    """Whose account."""

    patient: PatientToken


class AccountQuery(BaseModel):
    """`size` is that of the first page's checkpoint, `after` the `next` of the page before."""

    model_config = ConfigDict(extra="forbid")

    size: Number | None = None
    after: Number = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LINES)] = MAX_LINES


class ConsistencyQuery(BaseModel):
    """Two sizes of the log, the smaller one first."""

    model_config = ConfigDict(extra="forbid")

    size1: Number
    size2: Number


class LineAnswer(Answer):
    """A line that the reader may see: `event` is its exact text, `salt` and `proof` are base64url."""

    n: int
    index: int
    salt: str
    event: str
    proof: list[str]


class BlindedAnswer(Answer):
    """A line of a consent that the reader is no party to, or an erased one: `leaf` is the data of its leaf."""

    n: int
    index: int
    leaf: str
    proof: list[str]


class AccountAnswer(Answer):
    """A page of an account; `next` is the `after` of the page after it, if there is one."""

    v: Literal[1]
    patient: str
    made_at: datetime
    log_key: str
    # Left out until there is one: a reader from before the first rotation knows no such member.
    succession: Annotated[list[str], Field(exclude_if=lambda steps: not steps)]
    checkpoint: str
    count: str
    last: int
    lines: list[LineAnswer | BlindedAnswer]
    next: int | None


class ConsistencyAnswer(Answer):
    """The proof, lowest hash first, in base64url."""

    proof: list[str]


_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}


def blueprints(log: Log) -> list[APIBlueprint]:
    """The routes of one log."""
    return [_exports(log), _public(log)]


def _exports(log: Log) -> APIBlueprint:
    routes = blueprint("account", __name__, tag="Account", security=SIGNED_IN)

    @routes.get("/v1/patients/<patient>/account", responses={200: AccountAnswer, **declared(401, 404)})
    def export_account(path: AccountPath, query: AccountQuery) -> Response:
        """A patient's account of disclosures, each line with the proof that it stands in the log."""
        page = log.export(member(), path.patient, query.size, query.after, query.limit)
        return answer(_present(page, log.key))

    return routes


def _public(log: Log) -> APIBlueprint:
    routes = blueprint("account_log", __name__, tag="Account")

    @routes.get("/v1/account/checkpoint", responses={200: {"description": "A signed note"} | _TEXT, **declared(503)})
    def show_checkpoint() -> Response:
        """The log as it is now: C2SP tlog-checkpoint."""
        return _text(log.checkpoint())

    @routes.get("/v1/account/key", responses={200: {"description": "A verifier key"} | _TEXT})
    def show_key() -> Response:
        """The key that signs checkpoints and counts."""
        return _text(log.key.verifier.encode() + "\n")

    @routes.get("/v1/account/consistency", responses={200: ConsistencyAnswer, **declared(503)})
    def show_consistency(query: ConsistencyQuery) -> Response:
        """The proof that the log only grew between two sizes: RFC 6962, section 2.1.2."""
        return answer(ConsistencyAnswer(proof=_encoded(log.consistency(query.size1, query.size2))))

    return routes


def _present(page: Page, key: AccountKey) -> AccountAnswer:
    return AccountAnswer(
        v=1,
        patient=page.patient,
        made_at=page.made_at,
        log_key=key.verifier.encode(),
        succession=list(key.succession),
        checkpoint=page.checkpoint,
        count=page.count,
        last=page.last,
        lines=[_line(each) for each in page.lines],
        next=page.next,
    )


def _line(line: Line) -> LineAnswer | BlindedAnswer:
    proof = _encoded(line.proof)
    if line.salt is not None and line.event is not None:
        salt, event = to_base64url(line.salt), line.event.decode()
        return LineAnswer(n=line.n, index=line.index, salt=salt, event=event, proof=proof)
    return BlindedAnswer(n=line.n, index=line.index, leaf=to_base64url(line.leaf or b""), proof=proof)


def _encoded(hashes: Sequence[bytes]) -> list[str]:
    return [to_base64url(each) for each in hashes]


def _text(text: str) -> Response:
    return Response(text, content_type="text/plain; charset=utf-8")
