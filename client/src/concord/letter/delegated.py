"""Letters in somebody else's name: what the delegation that travels with one must say, and who must have signed it.

Owns the comparison of a delegation with a letter, and the check of its signature by the delegator's key history.
Refuses a letter that goes beyond what was given. It cannot tell whether the delegation was taken back since: that is
for the gate, at the release and at every hand-out. Specified in `spec/letter.md`, "On behalf".
"""

from __future__ import annotations

from collections.abc import Iterator

from concord_formats.address import Address
from concord_formats.delegations import (
    Delegation,
    SignedDelegation,
    read_delegation,
    unverified_delegation,
)
from concord_formats.delegations import DelegationError as NoDelegationError
from concord_formats.signatures import HybridPublicKey, SignatureError

from ..errors import DelegationError, UnknownSignerError
from .signer import Keys, SenderKeys, find_signer, resolve
from .statement import Statement


def check_proof(statement: Statement, keys: SenderKeys) -> Delegation | None:
    """The delegation that a statement rests upon; None for a letter in the sender's own name.

    `keys` give the delegator's checked history, by the id. Raises `DelegationError`; what `keys` raise passes through.
    """
    if statement.on_behalf_of is None or statement.delegation_proof is None:
        return None
    try:
        signed = statement.delegation_proof.signed()
    except SignatureError:
        raise DelegationError("the delegation of this letter cannot be read") from None
    given = verified(signed, resolve(keys, statement.on_behalf_of))
    if wrong := next(_wrong(given, statement), None):
        raise DelegationError(f"the delegation of this letter does not allow it: {wrong}")
    return given


def verified(signed: SignedDelegation, delegator_keys: Keys) -> Delegation:
    """A delegation that one of the delegator's own devices signed, by the rule of the signer at that moment.

    Raises `DelegationError`, `BadHistoryError`.
    """
    try:
        device, at = (given := unverified_delegation(signed.line)).device, given.at
        signer = find_signer(delegator_keys, device, at)
        read_delegation(signed, HybridPublicKey.decode(signer.signing_key))
    except (NoDelegationError, SignatureError, UnknownSignerError):
        raise DelegationError("the delegation is not one that its giver's device signed") from None
    if given.delegator != signer.practitioner:
        raise DelegationError("the delegation is of somebody else than the colleague who is named")
    return given


def uncovered(given: Delegation, letter: Address | Statement) -> tuple[str, ...]:
    """What a letter says that the delegation does not give, a line each; none when it is within it."""
    return tuple(_wrong(given, letter))


def _wrong(given: Delegation, letter: Address | Statement) -> Iterator[str]:
    if (given.delegation, given.delegator) != (letter.delegation, letter.on_behalf_of):
        yield "it is another one than the letter names"
    if given.delegate != letter.sender:
        yield "it was given to somebody else than the sender"
    if beyond := given.beyond(letter.purpose, letter.information | letter.sensitivity):
        yield f"it does not give {', '.join(sorted(beyond))}"
    if not given.holds_at(letter.sealed_at):
        yield "the letter was sealed outside its days"


__all__ = ["check_proof", "uncovered", "verified"]
