"""Reading the signed form of a FHIR R4 `Consent`.

Owns the evidence as Concord writes it. Refuses to take another system's form for evidence: it has to be attached and
attested by somebody who read it, so that it is set aside where that is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from ..vocabulary import FormLanguage, FormStatement, SignerAuthority
from .codes import Extension
from .elements import WORDING, extensions, person, single, word
from .moments import read_day
from .record import Form, Method, Signed, Signer
from .walk import Element

ATTACH = "attach the signed form to the draft, and attest it"
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_SIZE = 2**31 - 1  # of an unsignedInt
_ONE = ("sha256", "signed-on", "method", "form", "language", "signer", "authority", "witness", "copy-given")
Value = TypeVar("Value")


def attachment(root: Element) -> Signed | None:
    """The evidence, None when there is none."""
    root.get("sourceReference").set_aside(ATTACH)
    source = root.get("sourceAttachment")
    if not source:
        return None
    own = single(extensions(source, (Extension.EVIDENCE,))[Extension.EVIDENCE])
    if own is None:
        _foreign(source)
        return None
    type_ = source.get("contentType")
    if type_ and type_.text() != "application/octet-stream":
        type_.refuse("must be application/octet-stream: what is on record is sealed")
    return _signed(source, own)


def _foreign(source: Element) -> None:
    source.get("title").set_aside(WORDING)
    for name in ("contentType", "language", "data", "url", "size", "hash", "creation"):
        source.get(name).set_aside(ATTACH)


def _signed(source: Element, own: Element) -> Signed | None:
    inner = extensions(own, (*_ONE, "statement"))
    one = {name: single(inner[name]) for name in _ONE}
    said: dict[str, Any] = {
        "sha256": _text(one["sha256"], _SHA256),
        "size": source.get("size").read(_size, "must be a size in bytes"),
        "signed_on": _value(one["signed-on"], "valueDate", read_day),
        "method": _value(one["method"], "valueCode", lambda text: _of(Method, text)),
        "form": _value(one["form"], "valueCode", lambda text: _of(Form, text)),
        "language": _value(one["language"], "valueCode", FormLanguage),
        "signer": _value(one["signer"], "valueCode", lambda text: _of(Signer, text)),
        "copy_given": _value(one["copy-given"], "valueBoolean", lambda flag: flag if type(flag) is bool else None),
    }
    statements = [word(FormStatement, each.get("valueCode")) for each in inner["statement"]]
    authority = _value(one["authority"], "valueCode", SignerAuthority)
    witness = person(one["witness"].get("valueReference")) if one["witness"] else None
    if None in said.values() or None in statements:
        own.refuse("must hold every member of an evidence")
        return None
    stated = frozenset(each for each in statements if each)
    return Signed(**said, statements=stated, authority=authority, witness=witness)


def _value(extension: Element | None, name: str, reader: Callable[[Any], Value | None]) -> Value | None:
    return extension.get(name).read(reader, "is not one of Concord's words") if extension else None


def _text(extension: Element | None, pattern: re.Pattern[str]) -> str | None:
    return _value(extension, "valueString", lambda text: text if pattern.fullmatch(text) else None)


def _of(literal: Any, text: object) -> Any:
    """The word, if it is one of a Literal's."""
    return text if text in get_args(literal) else None


def _size(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= _MAX_SIZE else None
