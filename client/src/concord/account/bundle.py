"""An exported account as it stands in its file: strict reading, before any meaning.

Owns the shape of `concord-account` version 1 and the bounds on what is read. Refuses to repair: a member twice, a
member unknown, a number that is none, a file beyond the bounds. What it read is not yet true; `verify` says whether it
is. Specified in `spec/account.md`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Self

from concord_formats.merkle import MAX_SIZE
from concord_formats.succession import MAX_STEPS
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import MalformedAccountError

# A line is below 2 KiB: this is more than a hundred thousand disclosures of one patient. Beyond it, it is an attack.
MAX_BUNDLE_BYTES = 256 * 1024 * 1024
# A path in a tree of the greatest size; a longer one proves nothing and only costs time.
MAX_PROOF = MAX_SIZE.bit_length()
# Messaging's events are below 2 KiB.
_MAX_EVENT = 64 * 1024
_MAX_NOTE = 64 * 1024  # as `concord_formats.notes` reads them
_HASH = 43  # characters: 32 bytes as base64url without padding

Number = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Note = Annotated[str, Field(max_length=_MAX_NOTE)]
Hash = Annotated[str, Field(max_length=_HASH)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BundleLine(_Strict):
    """One line: with `salt` and `event`, or, where the reader may not see it, with `leaf` alone."""

    n: Number
    index: Annotated[int, Field(ge=0, le=MAX_SIZE)]
    salt: Hash | None = None
    event: Annotated[str, Field(max_length=_MAX_EVENT)] | None = None
    leaf: Hash | None = None
    proof: Annotated[list[Hash], Field(max_length=MAX_PROOF)]

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        disclosed = self.salt is not None and self.event is not None and self.leaf is None
        blinded = self.salt is None and self.event is None and self.leaf is not None
        if not disclosed and not blinded:
            raise ValueError("has either salt and event, or leaf")
        return self


class Bundle(_Strict):
    """An account as exported, or one page of it as the service answers it (`next` says that more lines follow).

    `made_at` and `next` are under no signature: they say nothing that may be relied on.
    """

    v: Annotated[int, Field(ge=1, le=1)]
    patient: Annotated[str, Field(max_length=64)]
    made_at: Annotated[str, Field(max_length=64)]
    log_key: Annotated[str, Field(max_length=512)]
    # How the log's key came to be the present one; an export from before the first rotation has none.
    succession: Annotated[list[Note], Field(max_length=MAX_STEPS)] = []
    checkpoint: Note
    count: Note
    last: Annotated[int, Field(ge=0, le=MAX_SIZE)]
    lines: list[BundleLine]
    next: Number | None = None


def read_bundle(raw: bytes) -> Bundle:
    """Read an export. Raises `MalformedAccountError` that names the first wrong member by its path."""
    if len(raw) > MAX_BUNDLE_BYTES:
        raise MalformedAccountError(f"is longer than {MAX_BUNDLE_BYTES} bytes")
    try:
        return Bundle.model_validate(read_json(raw))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise MalformedAccountError(_said(first["type"], first["msg"]), _path(first["loc"])) from None


def read_json(raw: bytes | str, *, fractions: bool = False) -> dict[str, Any]:
    """One JSON object in UTF-8, each member once; without `fractions` all numbers are integers.

    Raises `MalformedAccountError`.
    """
    fraction = float if fractions else _no_number
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        text.encode("utf-8")
        members = json.loads(text, object_pairs_hook=_once, parse_float=fraction, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MalformedAccountError("is not one JSON object in UTF-8, each member once") from None
    if not isinstance(members, dict):
        raise MalformedAccountError("is not a JSON object")
    return members


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers that disagree on which of two members counts could be shown two different accounts.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_number(_text: str) -> Any:
    raise ValueError("no number that stands in an account")


def _said(type_: str, message: str) -> str:
    return {"missing": "is missing", "extra_forbidden": "is no member of an account"}.get(type_, message.lower())


def _path(location: tuple[int | str, ...]) -> str:
    """A path of our own names; an unknown member's name is somebody's text, and is not repeated."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step in Bundle.model_fields or step in BundleLine.model_fields:
            path += f".{step}" if path else step
        else:
            path += ".?" if path else "?"
    return path


__all__ = ["MAX_BUNDLE_BYTES", "Bundle", "BundleLine", "read_bundle", "read_json"]
