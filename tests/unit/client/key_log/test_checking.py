"""What a key has to pass before anything is sealed to it: each lie of a directory is caught under its own name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from concord import errors
from concord.api import Organization, Party
from concord.colleagues import Colleagues
from concord.keyring import Keyring
from concord_formats.cosignatures import cosigned_at, own_clock, with_signatures
from concord_formats.key_entries import SignedEntry
from concord_formats.key_log import BindingKind, read_binding
from concord_formats.log_proof import LogProof
from concord_formats.merkle import leaf_hash
from concord_formats.notes import signature_line
from concord_formats.vocabulary import PartyKind

from tests.unit.client.key_log.fake_log import BASE_URL, HARBOR, RIVERSIDE, FakeDirectory, Town, binding, stranger
from tests.unit.client.people import Clinician


@pytest.fixture
def mine(town: Town, ana: Clinician) -> Colleagues:
    """The directory as Ana's client sees it."""
    return town.colleagues(ana)


class Lying(FakeDirectory):
    """Shows another history of one person."""

    def __init__(self, honest: FakeDirectory, of: UUID, shown: Sequence[SignedEntry]) -> None:
        super().__init__()
        self.people = honest.people
        self._of, self._shown = of, shown

    def keys(self, practitioner: UUID) -> Sequence[SignedEntry]:
        return self._shown if practitioner == self._of else super().keys(practitioner)


def kinds(colleagues: Colleagues) -> list[str]:
    assert colleagues.key_log
    return [alarm.kind for alarm in colleagues.key_log.alarms()]


def test_keys_that_everybody_can_see_pass(town: Town, mine: Colleagues, noor: Clinician) -> None:
    assert mine.entry(noor.id) == noor.entry
    town.rotate(noor)
    assert mine.key_log
    mine.key_log.refresh(within=0)
    assert mine.entry(noor.id).encryption_version == 2
    assert mine.history(noor.id) == noor.history
    assert kinds(mine) == []


def test_a_key_that_was_swapped_is_named_so(town: Town, ana: Clinician, noor: Clinician) -> None:
    """At the very first use, when no pin can help."""
    swapped = Keyring.create(noor.id).first_entry
    mine = town.colleagues(ana, directory=Lying(town.directory, noor.id, [swapped]))
    with pytest.raises(errors.SwappedKeyError):
        mine.entry(noor.id)
    assert kinds(mine) == ["swapped-key"]


def test_keys_that_were_refused_are_not_pinned(town: Town, ana: Clinician, noor: Clinician) -> None:
    swapped = Keyring.create(noor.id).first_entry
    with pytest.raises(errors.SwappedKeyError):
        town.colleagues(ana, directory=Lying(town.directory, noor.id, [swapped])).entry(noor.id)
    assert town.colleagues(ana).entry(noor.id) == noor.entry


def test_a_swap_that_was_logged_for_once_is_one_all_the_same(town: Town, ana: Clinician, noor: Clinician) -> None:
    """Both entries stand in the log: whichever is shown, the other one tells."""
    swapped = Keyring.create(noor.id).first_entry
    town.log.bind(binding(swapped, name="Dr. Noor Haddad", organization=RIVERSIDE, role="practitioner"))
    for directory in (town.directory, Lying(town.directory, noor.id, [swapped])):
        with pytest.raises(errors.SwappedKeyError):
            town.colleagues(ana, directory=directory).entry(noor.id)


def test_an_entry_that_is_logged_twice_is_refused_though_it_is_the_same(
    town: Town, mine: Colleagues, noor: Clinician
) -> None:
    """The second binding could give the account another name."""
    town.log.bind(binding(noor.history[0], name="Dr. Mallory", organization=RIVERSIDE, role="practitioner"))
    with pytest.raises(errors.SwappedKeyError):
        mine.entry(noor.id)


def test_entries_that_are_logged_out_of_their_order_are_refused(town: Town, ana: Clinician, noor: Clinician) -> None:
    noor.rotate()
    noor.rotate()
    for signed in (noor.history[2], noor.history[1]):
        town.log.bind(binding(signed))
    with pytest.raises(errors.SwappedKeyError):
        town.colleagues(ana).entry(noor.id)


def test_an_entry_that_is_logged_as_a_change_of_another_kind_is_refused(
    town: Town, ana: Clinician, noor: Clinician
) -> None:
    """A recovery that is logged as a new device would name nobody who attested to it."""
    noor.rotate()
    town.log.bind(binding(noor.history[1]).model_copy(update={"kind": BindingKind.DEVICE_ADDED}))
    with pytest.raises(errors.SwappedKeyError):
        town.colleagues(ana).entry(noor.id)


def test_a_log_with_one_number_a_thousand_times_is_an_alarm_that_can_be_kept(
    town: Town, mine: Colleagues, noor: Clinician
) -> None:
    members: dict[str, Any] = {"account": noor.id, "organization": RIVERSIDE}
    for number in range(1000):
        town.log.bind(stranger(f"Dr. {number}", **members))
    with pytest.raises(errors.SwappedKeyError) as refused:
        mine.entry(noor.id)
    assert len(refused.value.evidence["logged"]) == 10


def test_a_rotation_that_is_hidden_is_named_so(town: Town, ana: Clinician, noor: Clinician) -> None:
    first = list(noor.history)
    town.rotate(noor)
    mine = town.colleagues(ana, directory=Lying(town.directory, noor.id, first))
    with pytest.raises(errors.HiddenRotationError):
        mine.entry(noor.id)
    assert kinds(mine) == ["hidden-rotation"]


def test_what_another_process_has_not_read_anew_yet_does_not_hide_a_rotation(
    town: Town, ana: Clinician, noor: Clinician
) -> None:
    first, few = list(noor.history), list(town.log.lines)
    town.fill(300)
    town.rotate(noor)
    mine = town.colleagues(ana, directory=Lying(town.directory, noor.id, first))
    assert mine.key_log
    mine.key_log.refresh()
    mine.key_log.mirror.discard()
    mine.key_log.mirror.append((line, read_binding(line)) for line in few)
    assert mine.key_log.newest(noor.id).n == 2
    with pytest.raises(errors.HiddenRotationError):
        mine.entry(noor.id)


def test_a_mirror_of_lies_that_another_process_left_behind_is_not_believed(
    town: Town, ana: Clinician, noor: Clinician
) -> None:
    """It is of the right size, and its root that of no checkpoint."""
    swapped = Keyring.create(noor.id).first_entry
    lie = binding(swapped, name="Dr. X", organization=HARBOR, role="practitioner").encode()
    mine = town.colleagues(ana, directory=Lying(town.directory, noor.id, [swapped]))
    log, shown = mine.key_log, town.directory.people[noor.id]
    assert log
    log.refresh()

    def left_behind() -> None:
        log.mirror.discard()
        log.mirror.append((line, read_binding(line)) for line in (town.log.lines[0], lie))

    left_behind()
    with pytest.raises(errors.SwappedKeyError):
        mine.entry(noor.id)
    left_behind()
    assert log.newest(noor.id).entry == noor.history[0].digest
    left_behind()
    shown.person = shown.person.model_copy(update={"name": "Dr. X", "npi": None})
    with pytest.raises(errors.NameMismatchError):
        mine.person(noor.id)


def test_a_colleague_who_rotates_between_two_questions_is_no_cause_for_alarm(
    town: Town, ana: Clinician, noor: Clinician
) -> None:
    first = list(noor.history)
    town.rotate(noor)
    mine = town.colleagues(ana, directory=_OnceOld(town.directory, noor.id, first))
    assert mine.entry(noor.id).n == 2
    assert kinds(mine) == []


class _OnceOld(FakeDirectory):
    """Shows an older history once."""

    def __init__(self, honest: FakeDirectory, of: UUID, first: Sequence[SignedEntry]) -> None:
        super().__init__()
        self.people, self._of, self._first = honest.people, of, [first]

    def keys(self, practitioner: UUID) -> Sequence[SignedEntry]:
        return self._first.pop() if practitioner == self._of and self._first else super().keys(practitioner)


def test_an_entry_that_is_in_no_leaf_is_named_so(town: Town, mine: Colleagues, noor: Clinician) -> None:
    noor.rotate()
    with pytest.raises(errors.UnloggedKeyError):
        mine.entry(noor.id)
    assert kinds(mine) == ["unlogged-key"]


def test_an_entry_of_this_moment_is_looked_for_once_more(town: Town, mine: Colleagues, noor: Clinician) -> None:
    mine.entry(noor.id)
    town.rotate(noor)
    assert mine.entry(noor.id).n == 2  # within the five seconds


def test_ones_own_entry_that_nobody_can_see(town: Town, mine: Colleagues, ana: Clinician) -> None:
    ana.rotate()
    with pytest.raises(errors.StalledLogError, match="your own"):
        mine.entry(ana.id)


def test_a_fork_stops_sealing_to_everybody_until_somebody_has_looked(
    town: Town, ana: Clinician, noor: Clinician
) -> None:
    town.colleagues(ana).entry(noor.id)
    town.log.shown = 1
    mine = town.colleagues(ana)
    with pytest.raises(errors.RolledBackLogError):
        mine.entry(noor.id)
    town.log.shown = None
    with pytest.raises(errors.RolledBackLogError):
        mine.entry(noor.id)
    assert mine.fingerprint(noor.id)  # to look at keys is no sealing
    assert mine.key_log
    mine.key_log.acknowledge(mine.key_log.alarms()[0].id)
    assert mine.entry(noor.id)


class TestOpening:
    """A reader needs to know who signed, and not that the log is of this minute."""

    def test_history_that_is_logged_is_good_while_the_log_stands_still(
        self, town: Town, ana: Clinician, noor: Clinician
    ) -> None:
        town.colleagues(ana).entry(noor.id)
        town.log.clock = 1_700_000_000
        mine = town.colleagues(ana)
        assert mine.history(noor.id) == noor.history
        with pytest.raises(errors.StalledLogError):
            mine.entry(noor.id)

    def test_history_that_is_not_is_refused(self, town: Town, ana: Clinician, noor: Clinician) -> None:
        town.colleagues(ana).entry(noor.id)
        town.log.clock = 1_700_000_000
        town.rotate(noor)
        with pytest.raises(errors.StalledLogError):
            town.colleagues(ana).history(noor.id)

    def test_history_that_is_logged_is_good_while_the_log_does_not_answer(
        self, town: Town, ana: Clinician, noor: Clinician
    ) -> None:
        town.colleagues(ana).entry(noor.id)
        asked = _silent(town)
        mine = town.colleagues(ana)
        assert mine.history(noor.id) == noor.history
        assert mine.person(ana.id, fresh=False) and mine.name(noor.id) == "Dr. Noor Haddad"
        assert len(asked) == 1  # and not once for each letter of a list
        with pytest.raises(errors.UnreachableError):
            mine.entry(noor.id)

    def test_without_anything_pinned_it_is_not(self, town: Town, ana: Clinician, noor: Clinician) -> None:
        _silent(town)
        with pytest.raises(errors.UnreachableError):
            town.colleagues(ana).history(noor.id)


def _silent(town: Town) -> list[None]:
    """The log answers nobody; what was asked of it."""
    asked: list[None] = []

    def checkpoint() -> str:
        asked.append(None)
        raise errors.UnreachableError(BASE_URL, "ConnectError")

    town.log.checkpoint = checkpoint  # type: ignore[method-assign]
    return asked


class TestNames:
    @pytest.mark.parametrize(
        "changed",
        [
            {"name": "Dr. Ana Whitfield"},
            {"npi": "1245319599"},
            {"npi": None},
            {"role": "administrator"},
            {"organization": Organization(id=RIVERSIDE, name="Harbor")},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_an_account_under_another_persons_name_or_number(
        self, town: Town, mine: Colleagues, noor: Clinician, changed: dict[str, Any]
    ) -> None:
        shown = town.directory.people[noor.id]
        shown.person = shown.person.model_copy(update=changed)
        with pytest.raises(errors.NameMismatchError):
            mine.find("Haddad")
        with pytest.raises(errors.NameMismatchError):
            mine.person(noor.id)
        assert set(kinds(mine)) == {"name-mismatch"}

    def test_before_a_person_such_an_account_goes_by_its_id(
        self, town: Town, mine: Colleagues, noor: Clinician
    ) -> None:
        assert mine.name(noor.id) == "Dr. Noor Haddad"
        shown = town.directory.people[noor.id]
        shown.person = shown.person.model_copy(update={"name": "Dr. Somebody Else"})
        assert mine.name(noor.id) == str(noor.id)
        assert kinds(mine) == ["name-mismatch"]

    def test_somebody_of_another_organization_is_no_member_for_the_directorys_saying_so(
        self, town: Town, mine: Colleagues, ana: Clinician, noor: Clinician
    ) -> None:
        """The fake directory answers each question with everybody, all of them truly logged."""
        assert mine.members([Party(kind=PartyKind.ORGANIZATION, id=HARBOR)]) == [noor.id]
        assert [each.id for each in mine.of_organization(RIVERSIDE, "practitioner", "administrator")] == [ana.id]
        assert mine.of_organization(RIVERSIDE, "administrator") == []

    def test_nor_is_one_with_another_number_who_was_looked_for(
        self, town: Town, mine: Colleagues, noor: Clinician
    ) -> None:
        assert [each.id for each in mine.find(" 1679576722 ")] == [noor.id]

    def test_ones_own_organization_is_that_of_the_log(self, town: Town, mine: Colleagues, ana: Clinician) -> None:
        """Else those who review there would be sealed to."""
        shown = town.directory.people[ana.id]
        shown.person = shown.person.model_copy(update={"organization": Organization(id=HARBOR, name="Harbor")})
        with pytest.raises(errors.NameMismatchError):
            _ = mine.organization

    def test_a_name_in_another_spelling_is_the_name(self, town: Town, mine: Colleagues, noor: Clinician) -> None:
        shown = town.directory.people[noor.id]
        shown.person = shown.person.model_copy(update={"name": "DR.  NOOR  HADDAD"})
        assert mine.person(noor.id)

    def test_an_account_without_keys_is_in_no_log_unless_it_was_only_invited(
        self, town: Town, mine: Colleagues, noor: Clinician, eve: Clinician
    ) -> None:
        person = town.directory.people[noor.id].person.model_copy(update={"id": eve.id})
        town.directory.people[eve.id] = type(town.directory.people[noor.id])(eve, person)
        with pytest.raises(errors.UnloggedKeyError):
            mine.find("Haddad")
        town.directory.people[eve.id].person = person.model_copy(update={"status": "invited"})
        assert len(mine.find("Haddad")) == 3


class TestTheProof:
    def test_it_is_of_ones_own_newest_entry_and_verifies_without_the_log(
        self, town: Town, mine: Colleagues, ana: Clinician
    ) -> None:
        town.fill(300)
        town.rotate(ana)
        assert mine.key_log
        mine.entry(ana.id)
        proof = LogProof.parse(mine.key_log.proof(ana.id))
        assert proof.extra is not None
        assert read_binding(proof.extra).entry == ana.history[-1].digest
        assert proof.verify(leaf_hash(proof.extra), town.log.verifier).size == 303
        assert len(proof.encode()) < 4096

    def test_what_else_stands_under_a_checkpoint_in_the_logs_name_is_no_part_of_it(
        self, town: Town, mine: Colleagues, ana: Clinician, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Fourteen lines of junk would make a proof that is too long, and nobody could send anything."""
        honest = town.log.note
        junk = [signature_line(town.log.name, bytes([n]) * 3000) for n in range(13)]
        monkeypatch.setattr(town.log, "note", lambda size=None: with_signatures(honest(size), junk))
        assert mine.key_log
        mine.key_log.refresh(within=0)
        assert mine.key_log.pinned.note and len(mine.key_log.pinned.note) > 50_000
        proof = LogProof.parse(mine.key_log.proof(ana.id))
        assert proof.extra is not None
        assert proof.verify(leaf_hash(proof.extra), town.log.verifier).size == 2
        assert cosigned_at(proof.checkpoint, own_clock(town.log.verifier))

    def test_keys_of_several_people_are_of_one_moment(
        self, town: Town, mine: Colleagues, ana: Clinician, noor: Clinician, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Noor rotates while the others are asked for: she is asked again, or a reader would see a hidden rotation."""
        asked = mine.directory.keys

        def keys(person: UUID) -> Sequence[SignedEntry]:
            if person == ana.id and len(noor.history) == 1:
                town.rotate(noor)
                town.rotate(ana)
            return asked(person)

        monkeypatch.setattr(mine.directory, "keys", keys)
        found = mine.entries([noor.id, ana.id])
        assert found[noor.id].n == 2
