"""Reading the code of a recovery case: one line of text that an administrator gave.

Owns the format of the code (`spec/keys.md`, "Recovery cases"). Refuses anything that is not whole; its secret opens the
case and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from concord_formats.signatures import SignatureError, from_base64url

from ..errors import CaseCodeError
from ..invitation import is_private_way

PREFIX = "concord-recovery:"


@dataclass(frozen=True)
class CaseCode:
    """Where the case is, whose it is, and the secret that opens it."""

    base_url: str
    case: UUID
    practitioner: UUID
    secret: str = field(repr=False)

    def members(self) -> dict[str, Any]:
        """As JSON, for the sealed store."""
        return {**vars(self), "case": str(self.case), "practitioner": str(self.practitioner)}

    @classmethod
    def of(cls, members: dict[str, Any]) -> CaseCode:
        """From JSON. Raises ValueError, KeyError, TypeError."""
        ids = UUID(members["case"]), UUID(members["practitioner"])
        return cls(str(members["base_url"]), *ids, str(members["secret"]))


def read_case_code(text: str) -> CaseCode:
    """Read the code.

    Raises `CaseCodeError` when it is not one, or would send keys over plain HTTP to another machine.
    """
    line = "".join(text.split())  # a mail program may have wrapped it
    if not line.startswith(PREFIX):
        raise CaseCodeError(f"the code of a recovery case starts with {PREFIX}")
    try:
        code = CaseCode.of(json.loads(from_base64url(line.removeprefix(PREFIX))))
    except (SignatureError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CaseCodeError("the code is damaged") from None
    if not is_private_way(code.base_url):
        raise CaseCodeError("the code names an address that is not https")
    return code


__all__ = ["PREFIX", "CaseCode", "read_case_code"]
