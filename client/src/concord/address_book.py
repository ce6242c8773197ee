"""The address book: one's own aliases for patients, with name and token, sealed.

Owns aliases, the making of tokens, and the look-up either way. Refuses names outside the seal: an error names an
alias at most. A token is random, so that it says nothing about the patient, and two practices' tokens for one patient
have nothing in common.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import AddressBookError
from .store import SealedStore

_DOCUMENT = "address-book"
_ALIAS = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TOKEN = re.compile(r"pt_[a-z2-7]{26}")
_TOKEN_BYTES = 16  # 128 bits: never two alike, and not to be guessed


@dataclass(frozen=True)
class Patient:
    """One patient: the name as one writes it oneself, and the token that servers know."""

    name: str = field(repr=False)
    token: str


def new_token() -> str:
    """A new patient token: `pt_` and 26 characters of lower-case base32."""
    text = base64.b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode("ascii")
    return "pt_" + text.rstrip("=").lower()


class AddressBook:
    """Aliases of patients in the sealed store."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store

    def add(self, alias: str, name: str, *, token: str | None = None) -> Patient:
        """Add a patient; without a token that a colleague brought, a new one is made. Raises `AddressBookError`."""
        _check(alias, name, token)
        patient = Patient(name.strip(), token or new_token())
        with self._store.changing(_DOCUMENT) as book:
            if alias in book:
                raise AddressBookError(f"the alias {alias} is taken")
            if known := _alias_of(book, patient.token):
                raise AddressBookError(f"this token is in the book already, as {known}")
            book[alias] = {"name": patient.name, "token": patient.token}
        return patient

    def remove(self, alias: str) -> None:
        """Forget an alias. Raises `AddressBookError` when there is none."""
        with self._store.changing(_DOCUMENT) as book:
            if book.pop(alias, None) is None:
                raise _unknown(alias)

    def entries(self) -> dict[str, Patient]:
        """Every patient by alias, in the order of the aliases."""
        return {alias: Patient(**entry) for alias, entry in sorted(self._book().items())}

    def find(self, text: str) -> Patient | None:
        """The patient of an alias or a token, or None."""
        entries = self.entries()
        return entries.get(text) or next((each for each in entries.values() if each.token == text), None)

    def token(self, text: str) -> str:
        """The token of an alias; a well-formed token stands for itself. Raises `AddressBookError`."""
        if _TOKEN.fullmatch(text):
            return text
        patient = self.find(text)
        if patient is None:
            raise _unknown(text)
        return patient.token

    def alias(self, token: str) -> str | None:
        """The alias of a token, or None."""
        return _alias_of(self._book(), token)

    def _book(self) -> Mapping[str, Any]:
        return self._store.read(_DOCUMENT) or {}


def _alias_of(book: Mapping[str, Any], token: str) -> str | None:
    return next((alias for alias, entry in book.items() if entry["token"] == token), None)


def _check(alias: str, name: str, token: str | None) -> None:
    if not _ALIAS.fullmatch(alias):
        raise AddressBookError("an alias is 1 to 64 of a-z, 0-9 and hyphens", "Choose one that tells nothing.")
    if not name.strip() or not name.isprintable():
        raise AddressBookError("the patient's name is empty or not one line of text", "Type the name once more.")
    if token is not None and not _TOKEN.fullmatch(token):
        raise AddressBookError("a token is pt_ and 26 of a-z, 2-7", "Copy it from the letter or consent.")


def _unknown(text: str) -> AddressBookError:
    # What was typed may be a name: it is repeated only when it has the form of an alias.
    return AddressBookError(f"no patient has the alias {text}" if _ALIAS.fullmatch(text) else "no such alias or token")


__all__ = ["AddressBook", "Patient", "new_token"]
