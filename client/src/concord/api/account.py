"""The account's calls: a patient's export, page by page, and the log's proofs of consistency.

Owns the paths, and the bounds on what is read. Refuses to judge: whether an export is true is `concord.account`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from concord_formats.signatures import SignatureError, from_base64url

from ..errors import MalformedAccountError
from ..transport import Transport

PREFIX = "/consent/v1"
# The service answers 200 lines at most, each below 4 KiB.
MAX_PAGE_BYTES = 16 * 1024 * 1024


class AccountApi:
    """Calls to `/consent` about the account of disclosures."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(self, patient: str, *, size: int | None = None, after: int = 0) -> bytes:
        """One page of a patient's export, as it came: the lines after the number `after`.

        `size` is that of the first page's checkpoint. Raises `MalformedAccountError` for a page beyond all bounds.
        """
        query = {"after": str(after)} | ({} if size is None else {"size": str(size)})
        received = bytearray()
        with self._transport.stream("GET", f"{PREFIX}/patients/{patient}/account", params=query) as response:
            for piece in response.iter_bytes():
                received += piece
                if len(received) > MAX_PAGE_BYTES:
                    raise MalformedAccountError(f"a page of the account is longer than {MAX_PAGE_BYTES} bytes")
        return bytes(received)

    def consistency(self, size: int, later: int) -> Sequence[bytes]:
        """The proof that the log of `later` leaves begins with that of `size`. Raises `MalformedAccountError`."""
        query = {"size1": str(size), "size2": str(later)}
        answer = self._transport.json("GET", f"{PREFIX}/account/consistency", params=query)
        try:
            return [from_base64url(step) for step in answer["proof"]]
        except (LookupError, TypeError, AttributeError, SignatureError):
            raise MalformedAccountError("the service's proof of consistency cannot be read") from None


__all__ = ["AccountApi"]
