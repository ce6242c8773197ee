"""Who attested to a recovery: two administrators of the organization over that very entry, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from concord.errors import HistoryRewrittenError, UnattestedRecoveryError
from concord.keyring import Keyring
from concord.recovery_cases.attested import MAX_AGE, Attested, check_recovery
from concord_formats.attestations import SignedAttestation
from concord_formats.key_entries import SignedEntry
from concord_formats.key_log import BindingKind

from tests.unit.client.lost import HARBOR, FakeBindings, recovered, word
from tests.unit.client.people import Clinician, new_device

THIRD = Keyring.create(uuid4())


@dataclass
class Recovery:
    """Ana lost her keys; Noor and Eve, administrators, attested to the new ones."""

    ana: Clinician
    attestors: tuple[Clinician, ...]
    bindings: FakeBindings = field(default_factory=FakeBindings)
    words: tuple[SignedAttestation, ...] = ()

    def __post_init__(self) -> None:
        self.new = recovered(self.ana)
        self.words = tuple(word(each, self.signed, self.ana.id) for each in self.attestors)
        self.log(self.words)
        for each in self.attestors:
            self.bindings.log(each, "administrator")

    @property
    def signed(self) -> SignedEntry:
        """The recovered entry."""
        return self.new.history[-1]

    def log(self, words: Sequence[SignedAttestation]) -> None:
        """The directory logs the recovery as resting upon these words, whatever they are."""
        self.words = tuple(words)
        self.bindings.log(self.new, attestations=self.words)

    def history_of(self, person: UUID) -> Sequence[SignedEntry]:
        """The checked history of an attestor."""
        return next(each.history for each in (*self.attestors, Clinician(THIRD), self.new) if each.id == person)

    def check(self) -> Attested:
        """Ask."""
        return check_recovery(self.new.history, len(self.new.history), self.words, self.bindings, self.history_of)

    def refused(self, why: str) -> None:
        """It is not attested, and the error says why."""
        with pytest.raises(UnattestedRecoveryError, match=why):
            self.check()


@pytest.fixture
def recovery(ana: Clinician, noor: Clinician, eve: Clinician) -> Recovery:
    return Recovery(ana, (noor, eve))


def test_two_administrators_of_the_organization_are_named(recovery: Recovery, noor: Clinician, eve: Clinician) -> None:
    found = recovery.check()
    assert [each.attestor for each in found.by] == [noor.id, eve.id]
    assert (found.n, found.at) == (2, recovery.bindings.lines[recovery.ana.id, 2].at)


def test_a_forged_signature_attests_nothing(recovery: Recovery) -> None:
    first, second = recovery.words
    recovery.words = (replace(first, signature=first.signature[:-1] + bytes([first.signature[-1] ^ 1])), second)
    recovery.refused("not signed by this key")


def test_a_word_that_another_device_signed_attests_nothing(recovery: Recovery, noor: Clinician, eve: Clinician) -> None:
    """Eve signs as Noor: one administrator for two."""
    forged = word(eve, recovery.signed, recovery.ana.id, attestor=noor.id, device=noor.keyring.device)
    recovery.log([forged, recovery.words[1]])
    recovery.refused("not signed by this key")


def test_one_administrator_twice_is_one(recovery: Recovery, noor: Clinician) -> None:
    again = word(noor, recovery.signed, recovery.ana.id)
    recovery.log([recovery.words[0], again])
    recovery.refused("two administrators")


def test_nor_does_a_second_device_of_the_same_administrator_count(recovery: Recovery, noor: Clinician) -> None:
    noor.change(add_device=new_device(noor.keyring.signing_key().generate()))
    again = word(noor, recovery.signed, recovery.ana.id, device=noor.entry.devices[1].id)
    recovery.log([recovery.words[0], again])
    recovery.refused("two administrators")


def test_an_administrator_of_another_organization_attests_nothing(recovery: Recovery, eve: Clinician) -> None:
    recovery.bindings.log(eve, "administrator", HARBOR)
    recovery.refused(f"{eve.id} is no administrator")


def test_somebody_who_is_no_administrator_attests_nothing(recovery: Recovery, eve: Clinician) -> None:
    for role in ("practitioner", "privacy-officer"):
        recovery.bindings.log(eve, role)
        recovery.refused(f"{eve.id} is no administrator")


def test_the_account_itself_attests_nothing(recovery: Recovery) -> None:
    own = word(recovery.new, recovery.signed, uuid4())
    line = own.line.replace(_account_of(own), str(recovery.ana.id).encode())
    recovery.log([recovery.words[0], replace(own, line=line)])
    recovery.refused("cannot be read")


def _account_of(own: SignedAttestation) -> bytes:
    return own.line.split(b'"account":"', 1)[1][:36]


def test_a_word_about_another_entry_attests_nothing(recovery: Recovery, noor: Clinician, ana: Clinician) -> None:
    other = word(noor, recovered(ana).history[-1], ana.id)
    recovery.log([other, recovery.words[1]])
    recovery.refused("about another entry")


def test_a_word_about_another_account_attests_nothing(recovery: Recovery, noor: Clinician) -> None:
    recovery.log([word(noor, recovery.signed, uuid4()), recovery.words[1]])
    recovery.refused("about another entry")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_it_takes_two(recovery: Recovery, count: int) -> None:
    recovery.words = (*recovery.words, recovery.words[0])[:count]
    recovery.refused("other attestations than stand in the log")


def test_words_that_are_not_those_of_the_log_attest_nothing(recovery: Recovery, noor: Clinician) -> None:
    """Everybody has to have seen the same two."""
    recovery.words = (word(noor, recovery.signed, recovery.ana.id), recovery.words[1])
    recovery.refused("other attestations than stand in the log")


def test_a_device_that_was_revoked_before_attests_nothing(recovery: Recovery, noor: Clinician) -> None:
    noor.change(add_device=new_device())
    noor.change(revoke_device=noor.keyring.device)
    recovery.bindings.log(noor, "administrator")
    recovery.log([word(noor, recovery.signed, recovery.ana.id), recovery.words[1]])
    recovery.refused("not, or no longer")


def test_a_device_that_was_revoked_afterwards_had_attested(recovery: Recovery, noor: Clinician) -> None:
    noor.change(add_device=new_device())
    noor.change(revoke_device=noor.keyring.device)
    recovery.bindings.log(noor, "administrator")
    assert recovery.check().by[0].attestor == noor.id


def test_a_word_of_another_time_attests_nothing(recovery: Recovery, noor: Clinician) -> None:
    now = datetime.now(UTC)
    for at in (now - MAX_AGE - timedelta(days=1), now + timedelta(hours=1)):
        recovery.log([word(noor, recovery.signed, recovery.ana.id, at=at), recovery.words[1]])
        recovery.refused("of another time")


def test_an_attestor_of_whom_the_log_knows_nothing_attests_nothing(recovery: Recovery) -> None:
    unknown = Clinician(THIRD)
    recovery.log([recovery.words[0], word(unknown, recovery.signed, recovery.ana.id)])
    recovery.refused("stands nowhere in the log")


def test_an_attestor_whose_own_keys_are_refused_attests_nothing(recovery: Recovery) -> None:
    def refusing(_: UUID) -> Sequence[SignedEntry]:
        raise HistoryRewrittenError("the key history was changed")

    with pytest.raises(UnattestedRecoveryError, match="the key history was changed"):
        check_recovery(recovery.new.history, 2, recovery.words, recovery.bindings, refusing)


Change = Callable[[Recovery], None]


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.bindings.change(r.ana, 2, entry="0" * 64),
        lambda r: r.bindings.change(r.ana, 2, kind=BindingKind.KEYS_CHANGED),
        lambda r: r.bindings.change(r.ana, 2, organization=HARBOR),
        lambda r: r.bindings.change(r.ana, 1, organization=HARBOR),
        lambda r: r.bindings.change(r.ana, 1, entry="0" * 64),
        lambda r: r.bindings.change(r.attestors[0], 1, entry="0" * 64),
        lambda r: r.bindings.lines.pop((r.ana.id, 2)),
    ],
)
def test_a_log_that_says_something_else_attests_nothing(recovery: Recovery, change: Change) -> None:
    change(recovery)
    recovery.refused("not attested")


def test_an_entry_that_is_no_recovery_has_no_attestations(recovery: Recovery) -> None:
    with pytest.raises(UnattestedRecoveryError):
        check_recovery(recovery.new.history, 1, recovery.words, recovery.bindings, recovery.history_of)


def test_an_administrator_who_was_recovered_counts_by_the_new_keys(
    ana: Clinician, noor: Clinician, eve: Clinician
) -> None:
    again = recovered(noor)
    recovery = Recovery(ana, (again, eve))
    assert {each.attestor for each in recovery.check().by} == {noor.id, eve.id}


def test_who_was_an_administrator_then_has_attested_whatever_they_became(recovery: Recovery, noor: Clinician) -> None:
    """Noor lost her keys after her word, and came back as somebody else's practitioner."""
    again = recovered(noor, datetime.now(UTC) + timedelta(minutes=1))
    recovery.attestors = (again, recovery.attestors[1])
    recovery.bindings.log(again, "administrator")
    recovery.bindings.change(noor, 2, role="practitioner", organization=HARBOR)
    assert {each.attestor for each in recovery.check().by} == {each.id for each in recovery.attestors}


def test_who_became_an_administrator_later_had_not_attested(recovery: Recovery, noor: Clinician) -> None:
    again = recovered(noor, datetime.now(UTC) + timedelta(minutes=1))
    recovery.attestors = (again, recovery.attestors[1])
    recovery.bindings.log(again, "administrator")
    recovery.bindings.change(noor, 1, role="practitioner")
    recovery.refused(f"{noor.id} is no administrator")


def test_an_administrator_who_came_back_as_something_else_attests_nothing(
    ana: Clinician, noor: Clinician, eve: Clinician
) -> None:
    again = recovered(noor)
    recovery = Recovery(ana, (again, eve))
    recovery.bindings.change(noor, 2, role="practitioner")
    recovery.refused(f"{noor.id} is no administrator")
