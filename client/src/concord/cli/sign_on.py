"""How a person gets to their organization's single sign-on: in a browser that opens, or by an address to copy.

Owns `--no-browser`. Refuses a browser in the terminal itself, which would take the place of what is shown there.
"""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import AbstractContextManager
from typing import Annotated
from urllib.parse import urlsplit

import typer

from ..api.single_sign_on import shown_by
from ..errors import SingleSignOnError
from .output import note

NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Where single sign-on is required: print its address, open nothing.")
]


def browsing(no_browser: bool) -> AbstractContextManager[None]:
    """While this lasts, a sign-on that is required is shown to the person."""
    return shown_by(_print if no_browser else _open, ask_code)


def _open(address: str) -> None:
    _print(address)
    if _has_screen():
        webbrowser.open(address)


def _print(address: str) -> None:
    note(f"Your organization confirms each new device. Sign on at {urlsplit(address).hostname}, in a browser:")
    # Not a note: an address that is broken over two lines, or shortened, cannot be copied.
    sys.stderr.write(f"{address}\n")
    sys.stderr.flush()
    note("Waiting until you have signed on, for ten minutes…")


def ask_code() -> str:
    """The code that the browser shows, typed at the terminal: standard input may be an invitation's."""
    note("The browser shows a code of eight characters. If you did not begin this yourself, give it to nobody.")
    try:
        with open("CONIN$" if sys.platform == "win32" else "/dev/tty", encoding="utf-8") as keyboard:  # noqa: PTH123
            sys.stderr.write("Code: ")
            sys.stderr.flush()
            return keyboard.readline()
    except OSError:
        raise SingleSignOnError(
            "the code that the browser shows cannot be asked for: no terminal is here",
            "Do the same again in a terminal.",
            reason="no-terminal",
        ) from None


def _has_screen() -> bool:
    """Whether a browser of its own window can be there."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


__all__ = ["NoBrowser", "browsing"]
