"""Messaging's addresses: parse, call a use case, present.

Owns the routes and what each declares. Refuses logic. Every caller is signed in before anything of their request is
read.
"""

from __future__ import annotations

from typing import Any, cast

from flask import Response, current_app, request

from services.chassis import upload
from services.chassis.auth import caller
from services.chassis.problems import Problem, declared, respond
from services.chassis.web import SIGNED_IN, answer, blueprint

from . import present
from .desk import Desk
from .gate import GateClosedError
from .intake import LETTER_TYPE
from .refusals import closed_problem
from .rules import State
from .shapes import (
    InboxAnswer,
    InboxQuery,
    LetterAnswer,
    LetterPath,
    ReceiptBody,
    SendAnswer,
    SentAnswer,
    SentQuery,
    TeamInboxAnswer,
    TeamInboxQuery,
    TeamPath,
)

EXTENSION = "concord.messaging"

messaging = blueprint("messaging", __name__, tag="Letters", security=SIGNED_IN)

_SEALED: dict[str, Any] = {"content": {LETTER_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@messaging.put(
    "/v1/letters/<letter>",
    request_body=_SEALED | {"required": True, "description": "The address line, a line feed, the age file"},
    responses={
        200: SendAnswer,
        201: SendAnswer,
        202: SendAnswer,
        **declared(400, 401, 403, 409, 410, 413, 415, 503),
    },
)
def send_letter(path: LetterPath) -> Response:
    """Send a sealed letter: released (201), held until the gate can decide (202), or refused (403).

    Repeating it is safe.
    """
    if request.mimetype != LETTER_TYPE:
        raise Problem(415, "unsupported-media-type", "Unsupported media type", f"Send the letter as {LETTER_TYPE}.")
    outcome = _desk().sending.send(caller(), path.letter, upload.incoming(_desk().letter_max_bytes))
    status = 202 if outcome.state is State.HELD else 201 if outcome.new else 200
    return answer(present.outcome(outcome), status)


@messaging.get("/v1/inbox", responses={200: InboxAnswer, **declared(401, 503)})
def show_inbox(query: InboxQuery) -> Response:
    """Letters released to the caller after a place in their mailbox; with `wait`, as soon as there is one."""
    page = _desk().mailbox.page(caller().practitioner, query.after, query.limit, query.wait)
    headers = {"Retry-After": "1"} if page.crowded else None
    return answer(present.inbox(page.entries, query.after), headers=headers)


@messaging.get("/v1/sent", responses={200: SentAnswer, **declared(401, 503)})
def show_sent(query: SentQuery) -> Response:
    """The caller's own letters, oldest first, and what became of each; or those that others sent in their name."""
    who = caller().practitioner
    stored, following = _desk().letters.sent(who, query.after, query.limit, on_behalf=query.on_behalf)
    return answer(SentAnswer(letters=[present.letter(each) for each in stored], next=following))


@messaging.get("/v1/teams/<team>/letters", responses={200: TeamInboxAnswer, **declared(401, 404, 503)})
def show_team_inbox(path: TeamPath, query: TeamInboxQuery) -> Response:
    """Letters released to a team that the caller is a member of, and which member read what."""
    stored = _desk().team_inbox.page(caller().practitioner, path.team, query.after, query.limit)
    return answer(present.team_inbox(stored, query.after))


@messaging.get("/v1/letters/<letter>", responses={200: LetterAnswer, **declared(401, 404, 503)})
def show_letter(path: LetterPath) -> Response:
    """Where a letter stands, to its sender and whoever it was sent on behalf of; a recipient sees their own copy."""
    return answer(present.letter(_desk().letters.status(caller().practitioner, path.letter)))


@messaging.get(
    "/v1/letters/<letter>/content",
    responses={200: {"description": "The letter as it was sent"} | _SEALED, **declared(401, 403, 404, 410, 503)},
)
def fetch_letter(path: LetterPath) -> Response:
    """The sealed letter, to a recipient, through the gate. A body shorter than announced was stopped on the way."""
    size, windows = _desk().handout.fetch(caller(), path.letter)
    headers = {"Content-Length": str(size)}
    return Response(windows, headers=headers, content_type=LETTER_TYPE, direct_passthrough=True)


@messaging.post("/v1/letters/<letter>/receipt", responses={204: None, **declared(400, 401, 404, 409, 413, 415, 503)})
def post_receipt(path: LetterPath, body: ReceiptBody) -> Response:
    """Tell the sender, signed, that the letter was opened. The first receipt stays."""
    _desk().receipts.keep(caller(), path.letter, body.receipt, body.signature)
    return Response(status=204)


@messaging.app_errorhandler(GateClosedError)
def _closed(error: GateClosedError) -> Response:
    return respond(closed_problem(error))


def _desk() -> Desk:
    return cast(Desk, current_app.extensions[EXTENSION])
