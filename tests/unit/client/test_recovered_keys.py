"""A colleague who lost every key: refused until compared, and told by whom it was attested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from concord import errors
from concord.age import HybridIdentity
from concord.colleagues import Colleagues
from concord.pins import Pins
from concord.recovery_cases.attestors import Attestors
from concord.store import SealedStore
from concord_formats.attestations import SignedAttestation
from concord_formats.key_entries import SignedEntry

from tests.unit.client.lost import FakeBindings, recovered, word
from tests.unit.client.people import Clinician

IDENTITY = HybridIdentity.generate()


@dataclass
class FakeDirectory:
    """The histories and the attestations that are given out."""

    people: dict[UUID, Clinician] = field(default_factory=dict)
    words: dict[UUID, tuple[SignedAttestation, ...]] = field(default_factory=dict)

    def keys(self, practitioner: UUID) -> Sequence[SignedEntry]:
        """See `concord.api.DirectoryApi`."""
        return list(self.people[practitioner].history)

    def attestations(self, practitioner: UUID) -> Mapping[int, list[SignedAttestation]]:
        """See `concord.api.recovery_cases.RecoveryCasesApi`."""
        found = self.words.get(practitioner, ())
        return {len(self.people[practitioner].history): list(found)} if found else {}


class Reader:
    """Somebody who looks at ana's keys; noor and eve are administrators of her organization."""

    def __init__(self, folder: Path, ana: Clinician, noor: Clinician, eve: Clinician) -> None:
        self.ana, self.administrators = ana, (noor, eve)
        self.directory = FakeDirectory({each.id: each for each in (ana, noor, eve)})
        self.bindings = FakeBindings()
        for each in self.administrators:
            self.bindings.log(each, "administrator")
        me = UUID("0e000000-0000-4000-8000-000000000001")
        self.pins = Pins(SealedStore(folder, IDENTITY))
        self.colleagues = Colleagues(cast(Any, self.directory), self.pins, me)
        self.colleagues.attestors = Attestors(cast(Any, self.directory), self.bindings, self.colleagues.history)

    def recover(self, *by: Clinician) -> Clinician:
        """Ana's keys are replaced, on the word of some people."""
        new = recovered(self.ana)
        self.replace(new, *by)
        return new

    def replace(self, new: Clinician, *by: Clinician) -> None:
        """The directory gives out somebody's new keys, and some words beside them."""
        words = tuple(word(each, new.history[-1], new.id) for each in by)
        self.directory.people[new.id] = new
        self.directory.words[new.id] = words
        self.bindings.log(new, attestations=words)


@pytest.fixture
def reader(tmp_path: Path, ana: Clinician, noor: Clinician, eve: Clinician) -> Reader:
    return Reader(tmp_path, ana, noor, eve)


def test_recovered_keys_are_refused_and_it_is_told_when_and_by_whom_until_they_were_compared(reader: Reader) -> None:
    reader.colleagues.keys(reader.ana.id)
    new = reader.recover(*reader.administrators)
    for ask in (reader.colleagues.keys, reader.colleagues.history, reader.colleagues.entry):
        with pytest.raises(errors.RecoveredKeysError) as caught:
            ask(reader.ana.id)
    refused = caught.value
    logged = reader.bindings.lines[new.id, 2].at
    assert (refused.at, refused.attested_by) == (logged, tuple(each.id for each in reader.administrators))
    assert f"{logged:%Y-%m-%d}" in refused.message
    assert all(str(each.id) in refused.message for each in reader.administrators)
    assert "fingerprint" in refused.hint
    with pytest.raises(errors.FingerprintMismatchError):
        reader.colleagues.trust(new.id, reader.ana.keyring.identity_key().public().fingerprint())
    reader.colleagues.trust(new.id, new.keyring.identity_key().public().fingerprint())
    assert reader.colleagues.entry(new.id) == new.entry
    assert reader.pins.compared(new.id)


@pytest.mark.parametrize("count", [0, 1])
def test_a_recovery_that_nobody_attested_is_refused_as_such(reader: Reader, count: int) -> None:
    reader.colleagues.keys(reader.ana.id)
    new = reader.recover(*reader.administrators[:count])
    with pytest.raises(errors.UnattestedRecoveryError) as caught:
        reader.colleagues.keys(new.id)
    assert "operator" in caught.value.hint
    reader.colleagues.trust(new.id, new.keyring.identity_key().public().fingerprint())
    assert reader.colleagues.entry(new.id) == new.entry, "comparing outweighs anybody's word"


def test_keys_that_are_met_for_the_first_time_after_a_recovery_are_attested_or_refused(reader: Reader) -> None:
    new = reader.recover(reader.administrators[0])
    with pytest.raises(errors.UnattestedRecoveryError):
        reader.colleagues.keys(new.id)
    assert not reader.pins.knows(new.id)
    new = reader.recover(*reader.administrators)
    found = reader.colleagues.keys(new.id)
    assert (found.entry, found.first_use) == (new.entry, True)


def test_an_attestor_whose_keys_came_by_a_recovery_nobody_compared_vouches_for_nothing(reader: Reader) -> None:
    for each in (reader.ana, *reader.administrators):
        reader.colleagues.keys(each.id)
    noor, eve = reader.administrators
    reader.recover(noor, eve)
    reader.directory.people[noor.id] = recovered(noor)
    reader.bindings.log(reader.directory.people[noor.id], "administrator")
    with pytest.raises(errors.UnattestedRecoveryError, match=str(noor.id)):
        reader.colleagues.keys(reader.ana.id)


def test_two_who_vouch_for_one_another_vouch_for_nothing(reader: Reader) -> None:
    """Noor's recovery rests upon ana's word, and ana's upon noor's: of nobody anything was compared."""
    noor, eve = reader.administrators
    ana, again = recovered(reader.ana), recovered(noor)
    words = {
        ana.id: (word(again, ana.history[-1], ana.id), word(eve, ana.history[-1], ana.id)),
        again.id: (word(ana, again.history[-1], again.id), word(eve, again.history[-1], again.id)),
    }
    for each in (ana, again):
        reader.directory.people[each.id], reader.directory.words[each.id] = each, words[each.id]
        reader.bindings.log(each, "administrator", attestations=words[each.id])
    with pytest.raises(errors.UnattestedRecoveryError):
        reader.colleagues.keys(ana.id)


def test_another_identity_that_does_not_go_on_from_the_pin_is_no_recovery(reader: Reader, ana: Clinician) -> None:
    reader.colleagues.keys(ana.id)
    other = Clinician(ana.keyring.create(ana.id))
    reader.directory.people[ana.id] = other
    with pytest.raises(errors.KeysChangedError) as caught:
        reader.colleagues.keys(ana.id)
    assert type(caught.value) is errors.KeysChangedError
    reader.directory.people[ana.id] = recovered(other)
    with pytest.raises(errors.KeysChangedError) as caught:
        reader.colleagues.keys(ana.id)
    assert type(caught.value) is errors.KeysChangedError


def test_a_recovery_behind_what_was_seen_is_no_recovery(reader: Reader, ana: Clinician) -> None:
    """The owner had rotated; the directory shows a recovery that goes on from before that."""
    behind = recovered(ana)
    ana.rotate()
    reader.colleagues.keys(ana.id)
    reader.directory.people[ana.id] = behind
    with pytest.raises(errors.KeysChangedError) as caught:
        reader.colleagues.keys(ana.id)
    assert type(caught.value) is errors.KeysChangedError


def test_without_a_key_log_it_is_refused_all_the_same(tmp_path: Path, ana: Clinician) -> None:
    pins = Pins(SealedStore(tmp_path, IDENTITY))
    pins.check(ana.id, ana.history)
    new = recovered(ana)
    with pytest.raises(errors.RecoveredKeysError) as caught:
        pins.check(ana.id, new.history)
    assert (caught.value.n, caught.value.attested_by) == (2, ())
    pins.accept_new_identity(ana.id, new.history, new.keyring.identity_key().public().fingerprint())
    with pytest.raises(errors.KeysChangedError):
        pins.check(ana.id, ana.history)  # nor does the old identity come back
