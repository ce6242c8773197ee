"""The address book: one's own aliases for patients, with name and token, sealed.

Owns aliases, the making of tokens, the look-up either way, and taking in the book of another device of the same owner
(`concord.address_books` says how two become one). Refuses names outside the seal: an error names an alias at most. A
token is random, so that it says nothing about the patient, and two practices' tokens for one patient have nothing in
common.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .address_books import ALIAS, TOKEN, contested, entries, is_name, merge, moved, with_patient, without_patient
from .errors import AddressBookError
from .store import SealedStore

_DOCUMENT = "address-book"
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

    def __init__(self, store: SealedStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def add(self, alias: str, name: str, *, token: str | None = None) -> Patient:
        """Add a patient; without a token that a colleague brought, a new one is made. Raises `AddressBookError`."""
        _check(alias, name, token)
        patient = Patient(name.strip(), token or new_token())
        with self._store.changing(_DOCUMENT) as book:
            if alias in book or contested(book, alias):
                raise AddressBookError(f"the alias {alias} is taken")
            if known := _alias_of(book, patient.token):
                raise AddressBookError(f"this token is in the book already, as {known}")
            _replace(book, with_patient(book, alias, patient.name, patient.token, self._now()))
        return patient

    def remove(self, alias: str) -> None:
        """Forget an alias. Raises `AddressBookError` when there is none."""
        with self._store.changing(_DOCUMENT) as book:
            if alias not in entries(book):
                raise _unknown(book, alias)
            _replace(book, without_patient(book, alias, self._now()))

    def document(self) -> dict[str, Any]:
        """The book as another device of the owner takes it in: with what was removed, and when."""
        return dict(self._book())

    def take_in(self, other: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Take in what another device knows; patients whose alias is another one now, as former and new alias.

        Raises `AddressBookError` when it is no address book.
        """
        with self._store.changing(_DOCUMENT) as book:
            before = dict(book)
            _replace(book, merge(before, other))
            return moved(before, book)

    def entries(self) -> dict[str, Patient]:
        """Every patient by alias, in the order of the aliases."""
        found = sorted(entries(self._book()).items())
        return {alias: Patient(entry["name"], entry["token"]) for alias, entry in found}

    def find(self, text: str) -> Patient | None:
        """The patient of an alias or a token, or None."""
        found = self.entries()
        return found.get(text) or next((each for each in found.values() if each.token == text), None)

    def token(self, text: str) -> str:
        """The token of an alias; a well-formed token stands for itself. Raises `AddressBookError`."""
        if TOKEN.fullmatch(text):
            return text
        patient = self.find(text)
        if patient is None:
            raise _unknown(self._book(), text)
        return patient.token

    def alias(self, token: str) -> str | None:
        """The alias of a token, or None."""
        return _alias_of(self._book(), token)

    def _book(self) -> Mapping[str, Any]:
        return self._store.read(_DOCUMENT) or {}

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _replace(book: dict[str, Any], by: Mapping[str, Any]) -> None:
    book.clear()
    book.update(by)


def _alias_of(book: Mapping[str, Any], token: str) -> str | None:
    return next((alias for alias, entry in entries(book).items() if entry["token"] == token), None)


def _check(alias: str, name: str, token: str | None) -> None:
    if not ALIAS.fullmatch(alias):
        raise AddressBookError("an alias is 1 to 64 of a-z, 0-9 and hyphens", "Choose one that tells nothing.")
    if not is_name(name):
        raise AddressBookError("the patient's name is empty or not one line of text", "Type the name once more.")
    if token is not None and not TOKEN.fullmatch(token):
        raise AddressBookError("a token is pt_ and 26 of a-z, 2-7", "Copy it from the letter or consent.")


def _unknown(book: Mapping[str, Any], text: str) -> AddressBookError:
    if several := contested(book, text):
        message = f"your devices gave the alias {text} to {len(several)} patients, who are {', '.join(several)} now"
        return AddressBookError(message, "See who is who with: concord patient list")
    # What was typed may be a name: it is repeated only when it has the form of an alias.
    return AddressBookError(f"no patient has the alias {text}" if ALIAS.fullmatch(text) else "no such alias or token")


__all__ = ["AddressBook", "Patient", "new_token"]
