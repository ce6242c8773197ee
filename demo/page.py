"""The patient at their own page: no account, no script, forms alone.

Owns what a browser does with the page's forms. Refuses anything that a patient with a sheet of paper could not do.
"""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID

import httpx


class PatientsBrowser:
    """A browser at the address that stands on the patient's sheet."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._http = httpx.Client(follow_redirects=True, headers={"Accept-Language": "en"})

    def enter(self, code: str) -> str:
        """Type the code; the text of what is shown then."""
        shown = self._http.get(self._page).text
        return self._send("/session", code=code, once=_hidden(shown, "once"))

    def account(self) -> str:
        """Who received what."""
        return _text(self._http.get(f"{self._page}/account").text)

    def revoke(self, consent: UUID) -> str:
        """Stop a permission, and confirm it; the text of the receipt."""
        asked = self._http.get(f"{self._page}/consents/{consent}/revoke").text
        return self._send(f"/consents/{consent}/revoke", csrf=_hidden(asked, "csrf"))

    def close(self) -> None:
        """Close the browser."""
        self._http.close()

    def _send(self, path: str, **fields: str) -> str:
        return _text(self._http.post(self._page + path, data=fields).text)


def _hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', html)
    return found[1] if found else ""


def _text(html: str) -> str:
    main = re.search(r"<main.*?>(.*)</main>", html, re.DOTALL)
    lines = re.sub(r"<[^>]+>", "\n", main[1] if main else html).splitlines()
    return "\n".join(unescape(line.strip()) for line in lines if line.strip())
