"""Reading FHIR's general datatypes: codings, references, extensions.

Owns how each is read to the last member. Refuses references to another server: the directory knows its own people by
id, and others by National Provider Identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from ..vocabulary import PartyKind
from .codes import NPI, Code
from .record import NamedByNpi, Party
from .walk import MISSING, Element

Word = TypeVar("Word", bound=StrEnum)

WORDING = "words beside the codes: Concord keeps none, they may hold a patient's name"
_NPI = re.compile(r"\d{10}", re.ASCII)
_KINDS = {"Practitioner": PartyKind.PRACTITIONER, "Organization": PartyKind.ORGANIZATION}


def coding(element: Element) -> Code | None:
    """System and code; None when one is missing, which is refused."""
    element.get("display").set_aside(WORDING)
    system, code = element.get("system").text(), element.get("code").text()
    if system is None or code is None:
        element.refuse("must have a system and a code")
        return None
    return Code(system, code)


def concept(element: Element) -> tuple[Code, ...]:
    """The codings of a concept; where there is none, that is refused."""
    element.get("text").set_aside(WORDING)
    items = element.items("coding")
    if not items:
        element.refuse(f"coding {MISSING}" if element else MISSING)
    return tuple(code for code in map(coding, items) if code)


def word(vocabulary: type[Word], element: Element) -> Word | None:
    """A code of one of Concord's closed lists."""
    return element.read(vocabulary, "is not in Concord's vocabulary")


def identifier(element: Element) -> UUID | None:
    """A UUID as it is written by Concord."""
    return element.read(_uuid, "must be a UUID in lower case")


def party(element: Element) -> Party | NamedByNpi | None:
    """A practitioner or organization of the directory, or a practitioner by National Provider Identifier."""
    element.get("display").set_aside(WORDING)
    if (literal := element.get("reference")) or not element.get("identifier"):
        found = _literal(literal, element)
    else:
        return _by_npi(element)
    type_ = element.get("type")
    if type_ and found and _KINDS.get(str(type_.text())) is not found.kind:
        type_.refuse("is not what the reference says")
    return found


def person(element: Element) -> UUID | None:
    """The id of a practitioner of the directory."""
    found = party(element)
    if isinstance(found, Party) and found.kind is PartyKind.PRACTITIONER:
        return found.id
    if found:
        element.refuse("must be Practitioner/<id>")
    return None


def extensions(element: Element, urls: Iterable[str]) -> dict[str, list[Element]]:
    """The extensions of these URLs, by URL. Others are left to be listed as unseen."""
    found: dict[str, list[Element]] = {str(url): [] for url in urls}
    whole = element.value.get("extension") if isinstance(element.value, dict) else None
    if whole is None:
        return found
    for each in element.items("extension"):
        url = each.value.get("url") if isinstance(each.value, dict) else None
        if isinstance(url, str) and url in found:
            each.get("url")
            found[url].append(each)
        else:
            each.refuse("is an extension that Concord does not know")
    return found


def single(found: list[Element]) -> Element | None:
    """The one extension of a URL, None when there is none; a second one is refused."""
    for each in found[1:]:
        each.refuse("stands twice")
    return found[0] if found else None


def _literal(reference: Element, whole: Element) -> Party | None:
    text = reference.text()
    if text is None:
        if not reference:
            whole.refuse(f"reference {MISSING}")
        return None
    kind, _, id_ = text.partition("/")
    if kind in _KINDS and (known := _uuid_or_none(id_)):
        return Party(_KINDS[kind], known)
    reference.refuse("must be Practitioner/<id> or Organization/<id> of the directory")
    return None


def _by_npi(element: Element) -> NamedByNpi | None:
    type_, named = element.get("type"), element.get("identifier")
    if type_ and type_.text() != "Practitioner":
        type_.refuse("the directory knows practitioners alone by National Provider Identifier")
    if named.get("system").text() != NPI:
        named.refuse(f"must be of {NPI}")
        return None
    npi = named.get("value").read(lambda value: value if _NPI.fullmatch(value) else None, "must be ten digits")
    return NamedByNpi(npi, element.path) if npi else None


def _uuid_or_none(text: object) -> UUID | None:
    try:
        return _uuid(str(text))
    except ValueError:
        return None


def _uuid(text: str) -> UUID:
    found = UUID(text)
    if str(found) != text:
        raise ValueError("not as it is written")
    return found
