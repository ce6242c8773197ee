"""The directory's calls about delegations.

Owns the shapes of those answers. Refuses to believe them: what a delegation gives is what its giver's device signed,
and `concord.delegations` checks that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from concord_formats.delegations import SignedDelegation
from concord_formats.signatures import from_base64url, to_base64url

from ..transport import Transport
from .shapes import Answer, paged, readable
from .teams import Ended

_PATH = "/directory/v1/delegations"


class KeptDelegation(Answer):
    """A delegation as the directory keeps it; `status` is active or revoked, line and signature are base64url."""

    id: UUID
    delegator: UUID
    delegate: UUID
    line: str
    signature: str
    status: str
    effective_at: datetime | None = None

    def signed(self) -> SignedDelegation:
        """As bytes. Raises `SignatureError`."""
        return SignedDelegation(from_base64url(self.line), from_base64url(self.signature))


class DelegationsApi:
    """Calls to `/directory` about delegations."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def give(self, signed: SignedDelegation) -> KeptDelegation:
        """As the delegator: put a signed delegation on record. Doing so again changes nothing."""
        body = {"line": to_base64url(signed.line), "signature": to_base64url(signed.signature)}
        answer = self._transport.json("POST", _PATH, json=body)
        with readable():
            return KeptDelegation.model_validate(answer)

    def delegations(self, *, delegator: UUID | None = None, delegate: UUID | None = None) -> Iterator[KeptDelegation]:
        """Those that somebody gave, or that were given to them."""
        query = {"delegator": delegator and str(delegator), "delegate": delegate and str(delegate)}
        given = {key: value for key, value in query.items() if value}
        fetch = lambda q: self._transport.json("GET", _PATH, params=q)  # noqa: E731 - as the other lists
        return paged(fetch, "delegations", KeptDelegation, given)

    def revoke(self, delegation: UUID) -> Ended:
        """As the delegator, the delegate or their administrator: end it. Doing so again waits again."""
        answer = self._transport.json("DELETE", f"{_PATH}/{delegation}")
        with readable():
            return Ended.model_validate(answer)


__all__ = ["DelegationsApi", "KeptDelegation"]
