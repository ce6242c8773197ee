"""What every page of the patient works with: collaborators, language, cookies, the address of the client.

Owns the reading of the request around a page, and the rendering of templates. Refuses to trust a gateway that the
settings do not name.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from concord_formats.plain_words import plain, plain_opening
from flask import Flask, Response, current_app, g, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from services.chassis.config import Settings
from services.chassis.guesses import client_address

from ..deps import Collaborators
from ..peers import Names
from .texts import LANGUAGES, Texts, texts
from .views import Naming

EXTENSION = "concord.patient_page"
COOKIE = "concord_patient"
LANGUAGE = "concord_language"
# Ties the form for a code to the browser that asked for it: a code cannot be entered for somebody from elsewhere.
ONCE = "concord_once"


@dataclass(frozen=True)
class PatientPage:
    """The page's parts in one app."""

    settings: Settings
    with_: Collaborators
    names: Names


@dataclass(frozen=True)
class Desk:
    """One request for a page."""

    page: PatientPage
    say: Texts

    @property
    def with_(self) -> Collaborators:
        """What use cases are handed."""
        return self.page.with_

    @property
    def root(self) -> str:
        """The path below which all pages are, as the browser sees it."""
        return f"{urlsplit(self.page.settings.public_url).path}/patient"

    @property
    def address(self) -> str:
        """Where the request came from: behind a gateway, what the gateway says."""
        return client_address(self.page.settings)

    def naming(self, session: Session) -> Naming:
        """Names for one page."""
        return Naming(session, self.page.names)

    def came_from_its_own_form(self) -> bool:
        """Whether the form for a code was asked for by this browser."""
        kept, sent = request.cookies.get(ONCE, ""), request.form.get("once", "")
        return bool(kept) and hmac.compare_digest(kept.encode(), sent.encode())

    def with_once(self, answer: AnyResponse) -> AnyResponse:
        """An answer that holds the form for a code."""
        return self.with_cookie(answer, ONCE, once())

    def with_cookie(self, answer: AnyResponse, name: str, value: str) -> AnyResponse:
        """An answer that sets a cookie for the pages alone, until the browser closes."""
        secure = not self.page.settings.public_url.startswith("http://127.0.0.1")
        answer.set_cookie(name, value, path=self.root, secure=secure, httponly=True, samesite="Strict")
        return answer

    def without_cookie(self, answer: AnyResponse) -> AnyResponse:
        """An answer that ends the session's cookie."""
        answer.delete_cookie(COOKIE, path=self.root)
        return answer


def install(app: Flask, page: PatientPage) -> None:
    """Give an app what its pages need."""
    app.extensions[EXTENSION] = page
    app.jinja_env.filters["plainly"] = _plainly
    app.jinja_env.filters["plainly_opening"] = _plainly_opening


def desk() -> Desk:
    """The desk of the current request."""
    if "patient_desk" not in g:
        g.patient_desk = Desk(current_app.extensions[EXTENSION], texts(_language()))
    found: Desk = g.patient_desk
    return found


def once() -> str:
    """The value that the form for a code brings back; one a request."""
    if "patient_once" not in g:
        g.patient_once = secrets.token_urlsafe(16)
    value: str = g.patient_once
    return value


def render(template: str, at: Desk, **values: object) -> Response:
    """A page."""
    other = next(each for each in LANGUAGES if each != at.say.language)
    page = {"say": at.say, "root": at.root, "other": other, "once": once(), "signed_in": None, "here": None} | values
    return make_response(render_template(f"patient/{template}.html", **page))


def _language() -> str:
    chosen = request.args.get("lang") or request.cookies.get(LANGUAGE)
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def _plainly(word: StrEnum, say: Texts) -> str:
    return plain(word, say.language)


def _plainly_opening(word: StrEnum, say: Texts) -> str:
    return plain_opening(word, say.language)
