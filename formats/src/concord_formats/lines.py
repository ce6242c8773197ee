"""One line of JSON, read strictly: how every signed line of Concord is read.

Owns the refusals that come before any meaning: too long, more than one line, not UTF-8, not one object, a member
twice. Refuses to repair anything. Specified in `spec/letter.md`, "Lines".
"""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class LineError(ValueError):
    """A line cannot be read; `field` names the member that is wrong (empty: the line itself), `detail` the mend."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.field = field
        self.detail = detail


def parse_line(model: type[Model], line: bytes, limit: int) -> Model:
    """Read exact bytes (without the line feed, at most `limit` of them) as `model`. Raises `LineError`.

    Members unknown to the model are refused by the model itself (`extra="forbid"`).
    """
    if len(line) > limit:
        raise LineError("", f"is longer than {limit} bytes")
    if b"\n" in line or b"\r" in line:
        raise LineError("", "must be one line")
    try:
        members = _DECODER.decode(line.decode("utf-8"))
        if not isinstance(members, dict):
            raise ValueError("not an object")
        return model.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise LineError(".".join(map(str, first["loc"])), str(first["msg"])) from None
    except (ValueError, RecursionError):
        raise LineError("", "must be one JSON object in UTF-8, each member once") from None


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Two readers that disagree on which duplicate counts could be shown two different letters.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


# Made once: a key log is read by the hundred thousand lines.
_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates)

__all__ = ["LineError", "parse_line"]
