"""A patient's account as the service gives it: fetched, verified, compared with what this device saw before.

Owns that order, and the putting together of pages. Refuses pages that are not of one account at one checkpoint, and to
hand on what did not pass.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from concord_formats.merkle import MAX_SIZE

from ..address_book import AddressBook
from ..api.account import AccountApi
from ..errors import CheckpointError, MalformedAccountError
from .bundle import MAX_BUNDLE_BYTES, Bundle, read_bundle, read_json
from .pinned_log import PinnedLog
from .verify import VerifiedAccount, read_key, verify_bundle, verify_checkpoint


@dataclass(frozen=True)
class Fetched:
    """A verified account, and its export; `first_use` when the log's key was pinned just now."""

    raw: bytes
    account: VerifiedAccount
    first_use: bool


class Accounts:
    """Accounts of one's patients."""

    def __init__(self, api: AccountApi, log: PinnedLog, address_book: AddressBook) -> None:
        self.api = api
        self.log = log
        self._book = address_book

    def fetch(self, patient: str) -> Fetched:
        """The account of an alias or token. Raises `AccountError`, `AddressBookError`, `ServiceError`."""
        token = self._book.token(patient)
        raw = self._whole(token)
        account = verify_bundle(raw, self.log.key, patient=token)
        return Fetched(raw, account, self.log.check(account, self.api.consistency))

    def _whole(self, token: str) -> bytes:
        """The export in one piece: every page under the checkpoint of the first."""
        raw = self.api.page(token)
        first, received = read_bundle(raw), len(raw)
        whole, following = read_json(raw), first.next
        while following is not None:
            raw = self.api.page(token, size=_size(first), after=following)
            received += len(raw)
            if received > MAX_BUNDLE_BYTES:
                raise MalformedAccountError(f"is longer than {MAX_BUNDLE_BYTES} bytes")
            page = read_bundle(raw)
            _check_belongs(first, page, following)
            whole["lines"] += read_json(raw)["lines"]
            following = page.next
        return _encoded(whole)


def _size(first: Bundle) -> int:
    return verify_checkpoint(first.checkpoint, read_key(first.log_key)).size


def _check_belongs(first: Bundle, page: Bundle, after: int) -> None:
    # A signature has one text, so that what is equal here was signed once.
    if any(getattr(page, name) != getattr(first, name) for name in ("patient", "log_key", "checkpoint", "count")):
        raise CheckpointError("the pages of the account are not of one checkpoint")
    if not page.lines or not after < (page.next or MAX_SIZE):
        raise MalformedAccountError("the pages of the account do not come to an end", "next")


def _encoded(whole: dict[str, Any]) -> bytes:
    """The lines as they came, in one file that is an export of its own."""
    members = {name: value for name, value in whole.items() if name != "next"}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


__all__ = ["Accounts", "Fetched"]
