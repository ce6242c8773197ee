"""Whether a recovery was attested: by two administrators of the account's organization, over that very entry.

Owns the verification, without any reading or writing, of what stands beside a recovered entry: the attestations, the
key log's bindings, and the attestors' own histories. Refuses whatever lacks one of two. It cannot tell whether the two
looked well, nor whether the directory enrolled administrators of its own making, which everybody would see in the log:
that is what comparing the fingerprint is for. Specified in `spec/keys.md`, "Attestations".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from concord_formats.attestations import (
    Attestation,
    AttestationError,
    SignedAttestation,
    read_attestation,
    unverified_attestation,
)
from concord_formats.key_entries import EntryKind, KeyEntry, KeyEntryError, SignedEntry, read_entries
from concord_formats.key_log import Binding, BindingKind
from concord_formats.signatures import HybridPublicKey, SignatureError

from ..errors import PinError, UnattestedRecoveryError, UnknownSignerError, UnloggedKeyError
from ..letter.signer import find_signer

ADMINISTRATOR = "administrator"
ATTESTORS = 2
# The directory takes an attestation that is dated within ten minutes of its own clock.
SKEW = timedelta(minutes=10)
# A code is good for a week, the delay at most thirty days, its end waits for two weeks: an older word is not of this
# case, whatever device signed it then.
MAX_AGE = timedelta(days=60)
_IDENTITY = {EntryKind.ENROLLED, EntryKind.RECOVERED}


class Bindings(Protocol):
    """The key log, as far as a verification needs it."""

    def binding(self, account: UUID, n: int) -> Binding:
        """What the log holds of entry `n` of an account. Raises `UnloggedKeyError`."""


# The checked key history of somebody; raises `PinError`.
Histories = Callable[[UUID], Sequence[SignedEntry]]


@dataclass(frozen=True)
class Attested:
    """A recovery that two administrators attested to; `at` is when it was logged, by the directory's clock."""

    n: int
    at: datetime
    by: tuple[Attestation, Attestation]


def check_recovery(
    history: Sequence[SignedEntry],
    n: int,
    attestations: Sequence[SignedAttestation],
    bindings: Bindings,
    history_of: Histories,
) -> Attested:
    """Who attested to entry `n` of a checked history. Raises `UnattestedRecoveryError`."""
    entries = read_entries(history)
    entry, signed = entries[n - 1], history[n - 1]
    try:
        logged = _logged(bindings, entry, signed)
        organization = logged_identity(bindings, entries[: n - 1], history).organization
        if logged.organization != organization:
            raise _Unattested("the log moves the account into another organization with it")
        words = _words(entry, signed, attestations, logged)
        for word, each in zip(words, attestations, strict=True):
            _check_attestor(word, each, organization, logged.at, bindings, history_of)
    except (_Unattested, UnloggedKeyError) as error:
        raise _unattested(entry, str(error)) from None
    return Attested(n, logged.at, (words[0], words[1]))


class _Unattested(Exception):  # noqa: N818 - told as an `UnattestedRecoveryError` that names the account
    """Why not."""


def _unattested(entry: KeyEntry, why: str) -> UnattestedRecoveryError:
    message = f"every key of {entry.account} was replaced by a recovery that is not attested: {why}"
    return UnattestedRecoveryError(message, account=entry.account, n=entry.n)


def _logged(bindings: Bindings, entry: KeyEntry, signed: SignedEntry) -> Binding:
    """The recovered entry's own leaf: it names the two attestations."""
    logged = bindings.binding(entry.account, entry.n)
    if entry.kind is not EntryKind.RECOVERED or logged.kind is not BindingKind.RECOVERED:
        raise _Unattested("it is logged as something else")
    if (logged.account, logged.n, logged.entry) != (entry.account, entry.n, signed.digest):
        raise _Unattested("another entry stands in the log")
    return logged


def logged_identity(bindings: Bindings, entries: Sequence[KeyEntry], history: Sequence[SignedEntry]) -> Binding:
    """Who the log says the owner of these entries is: where the newest identity among them came in.

    `entries` are the first of a checked `history`, up to the moment in question. Raises `UnloggedKeyError`.
    """
    named = [entry for entry in entries if entry.kind in _IDENTITY]
    if not named:
        raise UnloggedKeyError("an attestor was not enrolled yet")
    found = bindings.binding(named[-1].account, named[-1].n)
    if (found.account, found.entry) != (named[-1].account, history[named[-1].n - 1].digest):
        raise UnloggedKeyError("another entry of somebody concerned stands in the log")
    return found


def _words(
    entry: KeyEntry, signed: SignedEntry, attestations: Sequence[SignedAttestation], logged: Binding
) -> list[Attestation]:
    """What the two say: about this entry, and two people, neither of them the account's owner."""
    if len(attestations) != ATTESTORS or {each.digest for each in attestations} != set(logged.attestations or ()):
        raise _Unattested("there are other attestations than stand in the log")
    try:
        words = [unverified_attestation(each.line) for each in attestations]
    except AttestationError as error:
        raise _Unattested(f"an attestation cannot be read: {error}") from None
    if any((word.account, word.entry) != (entry.account, signed.digest) for word in words):
        raise _Unattested("an attestation is about another entry")
    if len({word.attestor for word in words} - {entry.account}) != ATTESTORS:
        raise _Unattested("it takes two administrators, neither of them the account's owner")
    return words


def _check_attestor(
    word: Attestation,
    signed: SignedAttestation,
    organization: UUID | None,
    logged_at: datetime,
    bindings: Bindings,
    history_of: Histories,
) -> None:
    if not logged_at - MAX_AGE <= word.at <= logged_at + SKEW:
        raise _Unattested(f"the attestation of {word.attestor} is of another time")
    try:
        history = history_of(word.attestor)
        entries = [each for each in read_entries(history) if each.at <= word.at]
        who = logged_identity(bindings, entries, history)
        signer = find_signer(history, word.device, word.at)
        read_attestation(signed, HybridPublicKey.decode(signer.signing_key))
    except (AttestationError, KeyEntryError, SignatureError, UnknownSignerError, PinError) as error:
        raise _Unattested(f"the attestation of {word.attestor} does not verify: {error}") from None
    if (who.account, who.role, who.organization) != (word.attestor, ADMINISTRATOR, organization):
        raise _Unattested(f"{word.attestor} is no administrator of the account's organization")


__all__ = ["Attested", "Bindings", "Histories", "check_recovery", "logged_identity"]
