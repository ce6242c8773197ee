"""The account of disclosures on the clinician's side: verify it, show it, export it.

Owns what may be believed of an account (45 CFR 164.528; 42 CFR 2.25) and the forms in which it is handed on. Refuses
to show or write an account that does not verify.
"""

from __future__ import annotations

from dataclasses import replace

from .accounts import Accounts, Fetched
from .bundle import MAX_BUNDLE_BYTES
from .earlier import check_goes_on
from .entries import Entry, Person, entries
from .event import AccountEvent
from .verify import VerifiedAccount, VerifiedLine, verify_bundle

__all__ = [
    "MAX_BUNDLE_BYTES",
    "AccountEvent",
    "Accounts",
    "Entry",
    "Fetched",
    "Person",
    "VerifiedAccount",
    "VerifiedLine",
    "entries",
    "verify",
]


def verify(bundle: bytes, *, key: str | None = None, earlier: bytes | None = None) -> VerifiedAccount:
    """Verify an exported account offline.

    `key` is the log's verifier key; without one the account's own is taken, which is then for the caller to compare.
    `earlier` is an earlier export of the same patient, or an earlier checkpoint: the account has to go on from it.
    Raises `AccountError`: each of its kinds is what failed.
    """
    account = verify_bundle(bundle, key)
    if earlier is None:
        return account
    return replace(account, goes_on=check_goes_on(account, earlier, key))
