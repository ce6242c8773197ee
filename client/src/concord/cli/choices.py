"""Lists of words and parties on the command line, such as `--information diagnoses,medications`.

Owns their reading. Refuses a word that is not in the vocabulary, and says which words there are.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import typer
from concord_formats.vocabulary import PartyKind

from ..api import Party

Word = TypeVar("Word", bound=StrEnum)


def words(vocabulary: type[Word], text: str, option: str) -> list[Word]:
    """The words of `text`, each once, in the order given. Raises `typer.BadParameter`."""
    chosen: dict[Word, None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            chosen[vocabulary(part)] = None
        except ValueError:
            known = ", ".join(vocabulary)
            raise typer.BadParameter(f"{part!r} is not one of: {known}", param_hint=option) from None
    if not chosen:
        raise typer.BadParameter("name at least one", param_hint=option)
    return list(chosen)


def party(text: str, option: str) -> Party:
    """A practitioner or an organization by id; a bare id is a practitioner's. Raises `typer.BadParameter`."""
    kind, _, identifier = text.rpartition(":")
    try:
        return Party(kind=PartyKind(kind or "practitioner"), id=UUID(identifier))
    except ValueError:
        raise typer.BadParameter("write practitioner:ID or organization:ID", param_hint=option) from None
