"""Finding a colleague: a clinician's question, and who answers to it.

Owns the way from a question to people one may write to. Refuses whom the directory alone vouches for: everybody who is
shown as enrolled stands so in the key log, whoever is shown as not enrolled does not, and whoever is asked for by
number has that number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice
from math import inf

from .api import Practitioner
from .api.listings import ListedOrganization, Listing, ListingsApi, Question, Understood
from .colleagues import Colleagues
from .errors import QuestionError
from .listed import Doubt, Entries

# As the directory takes them, and shows of one question.
MAX_CHARACTERS = 200
MAX_VALUES = 20
MAX_FOUND = 200
DEFAULT_FOUND = 20
# An NPI in a text, as the directory reads it: also with spaces or dashes between its digits.
_NUMBER = re.compile(r"(?<!\d)(?:\d[ -]?){9}\d(?!\d)", re.ASCII)


@dataclass(frozen=True)
class Found:
    """Who answers to a question, the best first, and how it was read; `more`: there are further ones.

    `doubts` are of entries that say of somebody with an account that they have none; those that are in force are not
    among the listings.
    """

    listings: tuple[Listing, ...]
    understood: Understood
    more: bool = False
    doubts: tuple[Doubt, ...] = ()


class Finding:
    """Questions to the directory, seen through the key log."""

    def __init__(self, api: ListingsApi, colleagues: Colleagues) -> None:
        self._api = api
        self._colleagues = colleagues
        self._held = Entries(colleagues)

    def find(self, question: Question, *, limit: int = DEFAULT_FOUND) -> Found:
        """At most `limit` who match, of 200 at the very most.

        Where a text alone finds no entry, accounts without one are looked at: administrators are found by their name.
        Raises `QuestionError`, `KeyLogError`, `ServiceError` (`invalid-field` names what was not understood).
        """
        _check(question)
        found, understood, more = self._entries(question, min(limit, MAX_FOUND))
        if not found and question == Question(text=question.text):
            found = list(islice(self._without_entry((question.text or "").strip()), limit))
        judged = [(each, self._held.doubt(each)) for each in found]
        shown = (self._held.covered(each) for each, doubt in judged if not (doubt and doubt.in_force))
        return Found(tuple(shown), understood, more, tuple(doubt for _, doubt in judged if doubt))

    def _entries(self, question: Question, limit: int) -> tuple[list[Listing], Understood, bool]:
        """At most `limit` entries, how the question was read, and whether there are more."""
        number = _number(question)
        found: list[Listing] = []
        first = page = self._api.page(question, limit)
        for _ in range(MAX_FOUND):  # a directory that goes on for ever is not followed
            # Whom the directory shows for a number that is not theirs is not who was looked for.
            found += (each for each in page.listings if number in {None, each.npi})
            if not page.next or len(found) >= limit:
                break
            page = self._api.page(question, limit - len(found), page.next)
        return found[:limit], first.understood, bool(page.next) or len(found) > limit

    def _without_entry(self, text: str) -> Iterator[Listing]:
        for person in islice(self._people(text), MAX_FOUND):
            yield Listing(
                id=None,
                practitioner=person.id,
                kind="individual",
                name=person.name,
                npi=person.npi,
                organization=ListedOrganization(id=person.organization.id, name=person.organization.name),
                role=person.role,
                status=person.status,
                enrolled=True,
                stale=False,
            )

    def _people(self, text: str) -> Iterator[Practitioner]:
        """Accounts by number or by name, page after page as they are looked at."""
        directory = self._colleagues.directory
        if number := _number(Question(text=text)):
            return (person for person in directory.find(npi=number) if person.npi == number)
        return iter(()) if text.isdigit() else directory.find(name=text)


def _number(question: Question) -> str | None:
    """The NPI that is asked for, if one is."""
    found = _NUMBER.search(question.npi or question.text or "")
    return re.sub(r"\D", "", found[0]) if found else None


def _check(question: Question) -> None:
    """Raises `QuestionError` for a question without a word, and for one that nobody types."""
    values = [getattr(question, each.name) for each in fields(question)]
    texts = [text for value in values for text in (value if isinstance(value, tuple) else (value,))]
    texts = [text for text in texts if isinstance(text, str)]
    if question == Question() or any(not text.strip() for text in texts):
        raise QuestionError("nothing is asked for")
    if any(len(text) > MAX_CHARACTERS for text in texts):
        raise QuestionError(f"a question has at most {MAX_CHARACTERS} characters in each part", "Ask with fewer words.")
    if len(question.specialties) > MAX_VALUES:
        raise QuestionError(f"a question has at most {MAX_VALUES} specialties", "Ask for fewer.")
    if not all(map(_is_text, texts)):
        raise QuestionError("a question is text in UTF-8", "Type it once more: what was given is of another encoding.")
    if question.within_km is not None and not 0 < question.within_km < inf:
        raise QuestionError("a distance is a number above 0", "Give it in miles (--within) or in kilometres.")


def _is_text(text: str) -> bool:
    """Whether a text can be sent: a byte of an argument that is no UTF-8 is half of a character to Python."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


__all__ = ["DEFAULT_FOUND", "MAX_CHARACTERS", "MAX_FOUND", "Finding", "Found"]
