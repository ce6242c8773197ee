"""Delegations as a clinician handles them: give one, take it back, and find the one that a letter may go under.

Owns the signing by this device, and the choice among what was given: a delegation counts when its giver's own device
signed it, by the giver's key history, whatever the directory says. Refuses a letter that goes beyond it, before
anything is sealed; the gate does so as well. Specified in `spec/teams.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from uuid import UUID, uuid4

from concord_formats.delegations import Delegation, SignedDelegation
from concord_formats.signatures import SignatureError, SignedKind
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from .api.delegations import DelegationsApi, KeptDelegation
from .colleagues import Colleagues
from .endings import WAIT_SECONDS, ended
from .errors import DelegationError, KeyLogError, NotDelegatedError, PinError, ServiceError
from .letter.delegated import verified
from .own_keys import OwnKeys

_ACTIVE = "active"


@dataclass(frozen=True)
class Right:
    """A delegation that its giver's device signed; `status` (active or revoked) is the directory's word."""

    said: Delegation
    signed: SignedDelegation
    status: str
    effective_at: datetime | None = None

    @property
    def id(self) -> UUID:
        """The delegation's id."""
        return self.said.delegation


@dataclass(frozen=True)
class Listed:
    """A delegation as the directory keeps it; what its giver signed, or the `doubt` why that is not known."""

    kept: KeptDelegation
    right: Right | None
    doubt: str | None = None


class Delegations:
    """What one has given, and what was given to one."""

    def __init__(self, api: DelegationsApi, colleagues: Colleagues, own: OwnKeys) -> None:
        self.api = api
        self._colleagues = colleagues
        self._own_keys = own

    def give(
        self,
        delegate: UUID,
        purposes: Iterable[Purpose],
        information: Iterable[Information],
        sensitivity: Iterable[Sensitivity],
        until: datetime,
        *,
        since: datetime | None = None,
    ) -> Right:
        """Let a colleague of one's organization send letters in one's name, for these purposes and labels, until then.

        Raises `pydantic.ValidationError` for what cannot be given, `ServiceError`.
        """
        now = datetime.now(UTC)
        said = Delegation(
            v=1,
            delegation=uuid4(),
            delegator=self._colleagues.me,
            delegate=self._colleagues.person(delegate).id,
            device=self._own_keys.keyring.device,
            purposes=frozenset(purposes),
            information=frozenset(information),
            sensitivity=frozenset(sensitivity),
            valid_from=since or now,
            valid_until=until,
            at=now,
        )
        line = said.encode()
        signed = SignedDelegation(line, self._own_keys.keyring.signing_key().sign(SignedKind.DELEGATION, line))
        kept = self.api.give(signed)
        return Right(said, signed, kept.status, kept.effective_at)

    def given(self) -> Iterator[Right]:
        """What one has given. Raises `DelegationError` for what one's own devices did not sign."""
        return map(self._read, self.api.delegations(delegator=self._colleagues.me))

    def received(self) -> Iterator[Right]:
        """What was given to one. Raises `DelegationError` for what its giver's devices did not sign."""
        return map(self._read, self.api.delegations(delegate=self._colleagues.me))

    def listed(self, *, everybody: bool = False) -> Iterator[Listed]:
        """What one has given and what was given to one; as an administrator of `everybody` in the organization.

        One that its giver did not sign is listed with the doubt: whoever lost a device looks for just that.
        """
        me = self._colleagues.me
        kept = (
            self.api.delegations()
            if everybody
            else chain(self.api.delegations(delegator=me), self.api.delegations(delegate=me))
        )
        return map(self._listed, kept)

    def revoke(self, delegation: UUID, *, wait: float = WAIT_SECONDS) -> datetime:
        """End one, and wait until no letter can leave under it; since when. Raises `PendingError`."""
        return ended(lambda: self.api.revoke(delegation), "the end of the delegation", wait=wait)

    def right_to_send(self, delegator: UUID, purpose: Purpose, labels: frozenset[Information | Sensitivity]) -> Right:
        """The delegation by which one may send such a letter now, in the name of `delegator`: that which ends last.

        Raises `NotDelegatedError`, which says what the nearest one lacks, `DelegationError`, `PinError`.
        """
        me, now = self._colleagues.me, datetime.now(UTC)
        kept = self.api.delegations(delegator=delegator, delegate=me)
        mine = [each for each in kept if (each.delegator, each.delegate, each.status) == (delegator, me, _ACTIVE)]
        doubts: list[DelegationError] = []
        live = [each for each in self._signed(mine, doubts) if each.said.holds_at(now)]
        if not live:
            if doubts:
                raise doubts[0]
            raise NotDelegatedError(delegator, f"{self._colleagues.name(delegator)} has not let you send in their name")
        live.sort(key=lambda each: each.said.valid_until, reverse=True)
        nearest = min(live, key=lambda each: len(each.said.beyond(purpose, labels)))
        if beyond := nearest.said.beyond(purpose, labels):
            words = tuple(sorted(beyond))
            raise NotDelegatedError(delegator, f"what was given to you does not cover {', '.join(words)}", words)
        return nearest

    def _signed(self, kept: Iterable[KeptDelegation], doubts: list[DelegationError]) -> Iterator[Right]:
        """Those that were signed; of the others, why not: one that is in doubt takes nothing from a good one."""
        for each in kept:
            try:
                yield self._read(each)
            except DelegationError as doubt:
                doubts.append(doubt)

    def _listed(self, kept: KeptDelegation) -> Listed:
        try:
            return Listed(kept, self._read(kept))
        except (DelegationError, PinError, KeyLogError, ServiceError) as doubt:
            return Listed(kept, None, doubt.message)

    def _read(self, kept: KeptDelegation) -> Right:
        """A delegation as its giver signed it. Raises `DelegationError`, `PinError`."""
        hint = f"Do not rely on it. Ask its giver, by telephone, or end it: concord delegation revoke {kept.id}"
        try:
            signed = kept.signed()
            said = verified(signed, self._colleagues.history(kept.delegator))
        except SignatureError:
            raise DelegationError("the directory shows a delegation that cannot be read", hint) from None
        except DelegationError as wrong:
            raise DelegationError(wrong.message, hint) from None
        if (said.delegation, said.delegator, said.delegate) != (kept.id, kept.delegator, kept.delegate):
            raise DelegationError("the directory shows a delegation as another one than was signed", hint)
        return Right(said, signed, kept.status, kept.effective_at)


__all__ = ["Delegations", "Listed", "Right"]
