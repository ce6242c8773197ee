"""What one disclosed line says: messaging's event, as it stood in the log.

Owns its reading into the words of the account (45 CFR 164.528(b)(2)). Refuses an event that lacks what an account must
say; a word that this version does not know is kept as it came, for an account drops nothing.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Annotated, Any
from uuid import UUID

from concord_formats.scalars import Moment
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ..errors import MalformedAccountError
from .bundle import read_json

# `care.concord.messaging.letter-released.v1` is `released`.
_TYPE = re.compile(r"care\.concord\.messaging\.letter-([a-z-]{1,40})\.v[1-9]", re.ASCII)
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
Words = Annotated[tuple[Word, ...], Field(max_length=64)]
InUtc = Annotated[Moment, AfterValidator(lambda at: at.astimezone(UTC))]


class AccountEvent(BaseModel):
    """What happened to a letter for one recipient. `kind` is released, refused, handed-out or opened, or a later word.

    `basis` is `consent` or `emergency`; `notice` whether the letter carried the notice of 42 CFR 2.32. `on_behalf_of`
    is whose letter it was, when the sender wrote it for somebody else; `team` the team that it was for.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: UUID
    kind: Word
    patient: str
    n: Annotated[int, Field(strict=True, ge=1)]
    letter: UUID
    consent: UUID
    consent_version: Annotated[int, Field(strict=True, ge=1)]
    sender: UUID
    recipient: UUID
    purpose: Word
    information: Words
    sensitivity: Words
    at: InUtc
    basis: Word = "consent"
    notice: bool = False
    reason: Word | None = None
    label_reason: Word | None = None
    on_behalf_of: UUID | None = None
    team: UUID | None = None

    @property
    def emergency(self) -> bool:
        """Whether it went without a consent: 42 CFR 2.51."""
        return self.basis == "emergency"


def read_event(text: str) -> AccountEvent:
    """Read the exact text of an event. Raises `MalformedAccountError` that names the member that is wrong."""
    envelope = read_json(text, fractions=True)  # a later version may add members
    data: Any = envelope.get("data")
    kind = _TYPE.fullmatch(str(envelope.get("type")))
    if not isinstance(data, dict) or kind is None:
        raise MalformedAccountError("is no event of messaging")
    try:
        return AccountEvent.model_validate(data | {"id": envelope.get("id"), "kind": kind[1]})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        member = str(first["loc"][0]) if first["loc"] else ""
        raise MalformedAccountError(f"its event does not say what an account must say: {member}") from None


__all__ = ["AccountEvent", "read_event"]
