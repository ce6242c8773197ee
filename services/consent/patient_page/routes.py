"""The pages: enter a code, see, revoke, keep the receipt, change the code, leave.

Owns these addresses. Refuses whoever is not signed in, a form that did not come from a page of the session, and to say
why a code opens nothing: unknown, changed and cancelled read the same.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from concord_formats.vocabulary import PartyKind
from flask import Blueprint, Response, redirect, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from services.chassis.problems import Problem

from .. import usecases
from ..rules.lifecycle import Status
from ..rules.patient_codes import CodeError, grouped, read_code
from ..rules.terms import Party
from . import codes, guesses, sessions, views
from .desk import COOKIE, LANGUAGE, ONCE, Desk, desk, render
from .sessions import SignedIn
from .texts import texts

pages = Blueprint("patient_page", __name__, url_prefix="/patient", template_folder="templates")
_STYLE = Path(__file__).with_name("style.css")
# No code is longer; what is longer was not typed from a sheet.
MAX_TYPED = 64


class NotShownError(RuntimeError):
    """A page is not shown; `status` says why, and a page says it in words."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@pages.get("")
@pages.get("/")
def enter() -> AnyResponse:
    """Where the code is typed."""
    at = desk()
    signed_out = request.args.get("out") is not None
    return at.with_once(render("enter", at, notice=at.say("page.signed_out") if signed_out else None))


@pages.post("/session")
def sign_in() -> AnyResponse:
    """Look up a code."""
    at = desk()
    if not at.came_from_its_own_form():
        return _again(at, "enter.stale", HTTPStatus.BAD_REQUEST)
    try:
        code = read_code(request.form.get("code", "")[:MAX_TYPED])
    except CodeError:
        return _again(at, "enter.slip", HTTPStatus.UNPROCESSABLE_ENTITY)
    now = at.with_.clock.now()
    with at.with_.database.transaction() as session:
        if guesses.too_many(session, at.address, now):
            return _again(at, "enter.wait", HTTPStatus.TOO_MANY_REQUESTS)
        scope = codes.scope_of(session, code)
        if scope is None:
            guesses.count(session, at.address, now)
        cookie = sessions.begin(session, scope, now) if scope else None
    if cookie is None:
        return _again(at, "enter.wrong", HTTPStatus.UNPROCESSABLE_ENTITY)
    return at.with_cookie(redirect(f"{at.root}/consents", HTTPStatus.SEE_OTHER), COOKIE, cookie)


@pages.get("/consents")
def consents() -> AnyResponse:
    """Which consents there are."""
    at, signed_in = _signed_in()
    with at.with_.database.transaction() as session:
        naming = at.naming(session)
        found = views.consents(session, naming, signed_in.scope, at.with_.clock.now())
        giver = naming.of(Party(PartyKind.PRACTITIONER, signed_in.scope.party.practitioner))
    active = [each for each in found if each.status is Status.ACTIVE]
    past = [each for each in found if each.status is not Status.ACTIVE]
    return render("consents", at, signed_in=signed_in, here="consents", active=active, past=past, giver=giver)


@pages.get("/account")
def account() -> AnyResponse:
    """Who received what, and when."""
    at, signed_in = _signed_in()
    before = request.args.get("before", type=int)
    with at.with_.database.transaction() as session:
        lines, older = views.account(session, at.naming(session), signed_in.scope, before)
    return render("account", at, signed_in=signed_in, here="account", lines=lines, older=older)


@pages.get("/consents/<uuid:consent>/revoke")
def ask_to_revoke(consent: UUID) -> AnyResponse:
    """Whether the patient means it."""
    at, signed_in = _signed_in()
    return render("revoke", at, signed_in=signed_in, consent=_consent(at, signed_in, consent))


@pages.post("/consents/<uuid:consent>/revoke")
def revoke(consent: UUID) -> AnyResponse:
    """Revoke. Sent twice, it is one revocation."""
    at, signed_in = _signed_in_by_form()
    with at.with_.database.transaction() as session:
        if not views.is_opened(session, signed_in.scope, consent):
            raise NotShownError(HTTPStatus.NOT_FOUND)
    usecases.revoke_as_patient(at.with_, signed_in.scope.patient, consent)
    return redirect(f"{at.root}/consents/{consent}/receipt", HTTPStatus.SEE_OTHER)


@pages.get("/consents/<uuid:consent>/receipt")
def receipt(consent: UUID) -> AnyResponse:
    """Since when the revocation holds everywhere."""
    at, signed_in = _signed_in()
    found = _consent(at, signed_in, consent)
    if found.revoked_at is None:
        return redirect(f"{at.root}/consents/{consent}/revoke", HTTPStatus.SEE_OTHER)
    return render("receipt", at, signed_in=signed_in, consent=found)


@pages.get("/code")
def code() -> AnyResponse:
    """Change or cancel the code."""
    at, signed_in = _signed_in()
    return render("code", at, signed_in=signed_in, here="code", new=None)


@pages.post("/code/rotate")
def rotate() -> AnyResponse:
    """A new code, shown once. Other sessions end; this one goes on under a new cookie."""
    at, signed_in = _signed_in_by_form()
    with at.with_.database.transaction() as session:
        new = codes.rotate(at.with_, session, signed_in.scope)
        cookie = sessions.begin(session, signed_in.scope, at.with_.clock.now())
        session.flush()
        signed_in = sessions.find(session, cookie, at.with_.clock.now()) or signed_in
    answer = render("code", at, signed_in=signed_in, here="code", new=grouped(new))
    return at.with_cookie(answer, COOKIE, cookie)


@pages.post("/code/cancel")
def cancel() -> AnyResponse:
    """The code opens nothing any more."""
    at, signed_in = _signed_in_by_form()
    with at.with_.database.transaction() as session:
        codes.end(session, signed_in.scope)
    return at.without_cookie(at.with_once(render("enter", at, notice=at.say("code.cancelled"))))


@pages.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session."""
    at, signed_in = _signed_in_by_form()
    with at.with_.database.transaction() as session:
        sessions.end(session, signed_in)
    return at.without_cookie(redirect(f"{at.root}?out=1", HTTPStatus.SEE_OTHER))


@pages.get("/style.css")
def style() -> Response:
    """The one style sheet."""
    return send_file(_STYLE, mimetype="text/css", max_age=3600)


@pages.before_request
def _language() -> None:
    desk()


@pages.after_request
def _close(answer: AnyResponse) -> AnyResponse:
    policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    if (chosen := request.args.get("lang")) is not None:
        answer = desk().with_cookie(answer, LANGUAGE, texts(chosen).language)
    return answer


@pages.errorhandler(Problem)
def _problem(problem: Problem) -> tuple[AnyResponse, int]:
    return _not_shown(NotShownError(HTTPStatus(problem.status)))


@pages.errorhandler(NotShownError)
def _not_shown(refused: NotShownError) -> tuple[AnyResponse, int]:
    at = desk()
    if refused.status is HTTPStatus.UNAUTHORIZED:
        return _again(at, "enter.stale", refused.status), refused.status
    error = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.BAD_REQUEST: "form"}.get(refused.status, "unavailable")
    return render("error", at, error=error), refused.status


def _signed_in() -> tuple[Desk, SignedIn]:
    at = desk()
    with at.with_.database.transaction() as session:
        found = sessions.find(session, request.cookies.get(COOKIE, ""), at.with_.clock.now())
    if found is None:
        raise NotShownError(HTTPStatus.UNAUTHORIZED)
    return at, found


def _signed_in_by_form() -> tuple[Desk, SignedIn]:
    at, signed_in = _signed_in()
    if not signed_in.accepts(request.form.get("csrf", "")):
        raise NotShownError(HTTPStatus.BAD_REQUEST)
    return at, signed_in


def _consent(at: Desk, signed_in: SignedIn, consent: UUID) -> views.ConsentView:
    with at.with_.database.transaction() as session:
        found = views.consent(session, at.naming(session), signed_in.scope, consent, at.with_.clock.now())
    if found is None:
        raise NotShownError(HTTPStatus.NOT_FOUND)
    return found


def _again(at: Desk, why: str, status: HTTPStatus) -> AnyResponse:
    answer = at.with_once(render("enter", at, wrong=at.say(why)))
    answer.status_code = status
    return answer


__all__ = ["ONCE", "pages"]
