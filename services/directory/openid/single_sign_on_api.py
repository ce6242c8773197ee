"""The directory's routes about single sign-on: begun by a client, answered by a browser, waited for by the client.

Owns paths, statuses, and the page that a person sees when they come back from their provider. Refuses decisions: each
route parses, calls one use case and presents its result. What came back in an address is shown and logged nowhere.
"""

from __future__ import annotations

from html import escape

from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.auth import Caller, authenticated, caller
from services.chassis.guesses import client_address, network_of
from services.chassis.web import answer, blueprint

from .. import usecases
from ..deps import Deps
from ..rules.single_sign_on import Purpose, Reason
from . import single_sign_on_shapes as shapes

_PAGE = {"description": "A page for the person", "content": {"text/html": {"schema": {"type": "string"}}}}
_BACK = "Type this code into Concord, on the device where you began. Then you may close this window."
_GIVE_TO_NOBODY = (
    "If you did not begin this yourself just now, give the code to nobody, and tell your administrator at once: "
    "somebody wants to add a device in your name. Nobody but Concord, on your own device, ever asks for it."
)
_AGAIN = "Close this window, and begin again from Concord."
_WHY = {
    Reason.REFUSED: "Your organization's single sign-on did not let you through.",
    Reason.UNREACHABLE: "Your organization's single sign-on did not answer.",
    Reason.INVALID: "The answer of your organization's single sign-on is not one to rely on. Tell your administrator.",
    Reason.OTHER_PERSON: "You signed on as somebody else than the owner of this account.",
    Reason.WRONG_CODE: "Wrong codes were given.",
    Reason.CHANGED: "Your organization uses another single sign-on now.",
}


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_sessions(deps), _callback(deps)]


def _sessions(deps: Deps) -> APIBlueprint:
    api = blueprint("single-sign-on", __name__, tag="single sign-on")

    @api.post(
        "/v1/single-sign-on",
        responses={201: shapes.SignOnAnswer, **problems.declared(400, 401, 403, 409, 415, 429, 502)},
    )
    def begin_sign_on(body: shapes.SignOnRequest) -> Response:
        """Begin a sign-on for one key entry, as whoever may make that entry."""
        signed_in = _signed_in() if body.purpose is Purpose.DEVICE else None
        wanted = usecases.Beginning(
            body.purpose,
            body.practitioner,
            body.entry_sha256,
            body.secret,
            body.case,
            network_of(client_address(deps.settings)),
        )
        begun = usecases.begin_sign_on(deps, signed_in, wanted)
        shown = shapes.SignOnAnswer(
            session=begun.session, authorization_url=begun.authorization_url, expires_at=begun.expires_at
        )
        return answer(shown, 201)

    @api.get("/v1/single-sign-on/<uuid:session>", responses={200: shapes.SignOnStatus, **problems.declared(404)})
    def show_sign_on(path: shapes.BySession) -> Response:
        """Where a session stands, for who began it."""
        return answer(shapes.SignOnStatus.of(usecases.sign_on(deps, path.session)))

    @api.post(
        "/v1/single-sign-on/<uuid:session>/confirmation",
        responses={200: shapes.SignOnStatus, **problems.declared(400, 403, 404, 409, 415)},
    )
    def confirm_sign_on(path: shapes.BySession, body: shapes.CodeBody) -> Response:
        """The device that began a sign-on gives the code that the person's browser shows."""
        return answer(shapes.SignOnStatus.of(usecases.confirm_sign_on(deps, path.session, body.code)))

    return api


@authenticated
def _signed_in() -> Caller:
    return caller()


def _callback(deps: Deps) -> APIBlueprint:
    api = blueprint("single-sign-on-callback", __name__, tag="single sign-on")

    @api.get("/v1/single-sign-on/callback/<uuid:organization>", responses={200: _PAGE, 400: _PAGE})
    def returned(path: shapes.ByOrganization, query: shapes.CallbackQuery) -> Response:
        """A person comes back from their provider, with its answer in the address (RFC 6749, section 4.1.2)."""
        code = query.code if query.error is None else None
        return _page(usecases.sign_on_returned(deps, path.organization, query.state, code))

    return api


def _page(found: usecases.SignOnReturned | None) -> Response:
    """What a person sees: the code for the device that they began it at, or why there is none."""
    if found is None:
        return _html("Nothing waits for this", f"This sign-on is over, or was never begun. {_AGAIN}", 400)
    if found.code is None:
        return _html("Not signed on", f"{_WHY[Reason(found.session.reason or Reason.INVALID)]} {_AGAIN}", 400)
    return _html("You are signed on", f"{_BACK} {_GIVE_TO_NOBODY}", 200, found.code)


def _html(title: str, text: str, status: int, code: str = "") -> Response:
    shown_code = f"<p><strong>{escape(code)}</strong></p>" if code else ""
    page = (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Concord: {escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"></head>\n'
        f"<body><main><h1>{escape(title)}</h1>{shown_code}<p>{escape(text)}</p></main></body>\n</html>\n"
    )
    shown = Response(page, status=status, content_type="text/html; charset=utf-8")
    shown.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
    shown.headers["Referrer-Policy"] = "no-referrer"
    return shown
