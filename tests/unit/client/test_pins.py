"""Pins: a colleague's keys do not change in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from concord import errors
from concord.age import HybridIdentity
from concord.keyring import Keyring
from concord.pins import Pins
from concord.store import SealedStore

from tests.unit.client.people import Clinician, new_device

IDENTITY = HybridIdentity.generate()


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(SealedStore(tmp_path, IDENTITY))


def test_the_first_keys_are_pinned_and_said_to_be_new(pins: Pins, noor: Clinician) -> None:
    first = pins.check(noor.id, noor.history)
    assert first.first_use
    assert first.entry == noor.entry
    assert first.fingerprint == noor.keyring.identity_key().public().fingerprint()
    assert not pins.check(noor.id, noor.history).first_use
    assert not pins.compared(noor.id)


def test_a_history_may_go_on(pins: Pins, noor: Clinician) -> None:
    pins.check(noor.id, noor.history)
    noor.change(add_device=new_device())
    noor.rotate()
    assert pins.check(noor.id, noor.history).entry.n == 3


def test_a_history_cut_short_is_refused(pins: Pins, noor: Clinician) -> None:
    """The directory hides a revocation: with one entry less, a lost device would be in force again."""
    noor.change(add_device=new_device())
    noor.change(revoke_device=noor.keyring.device)
    pins.check(noor.id, noor.history)
    with pytest.raises(errors.HistoryRewrittenError):
        pins.check(noor.id, noor.history[:-1])
    assert pins.check(noor.id, noor.history).entry.n == 3


def test_a_fork_is_refused(pins: Pins, noor: Clinician) -> None:
    """The owner, or whoever has the identity key, signed two second entries."""
    other = Clinician(noor.keyring)
    noor.rotate()
    other.change(add_device=new_device())
    pins.check(noor.id, noor.history)
    with pytest.raises(errors.HistoryRewrittenError):
        pins.check(noor.id, other.history)
    other.change(add_device=new_device())
    with pytest.raises(errors.HistoryRewrittenError):
        pins.check(noor.id, other.history)


def test_another_identity_is_refused_until_it_was_compared(pins: Pins, noor: Clinician) -> None:
    pins.check(noor.id, noor.history)
    anew = Clinician(Keyring.create(noor.id))
    with pytest.raises(errors.KeysChangedError) as caught:
        pins.check(noor.id, anew.history)
    assert "fingerprint" in caught.value.hint
    with pytest.raises(errors.KeysChangedError):  # and it stays refused
        pins.check(noor.id, anew.history)

    fingerprint = anew.keyring.identity_key().public().fingerprint()
    assert pins.accept_new_identity(noor.id, anew.history, fingerprint.replace(" ", "\n")).entry == anew.entry
    assert pins.compared(noor.id)
    assert not pins.check(noor.id, anew.history).first_use
    assert pins.compared(noor.id)
    with pytest.raises(errors.KeysChangedError):
        pins.check(noor.id, noor.history)


@pytest.mark.parametrize("fingerprint", ["", "0" * 60, "é" * 60])
def test_a_fingerprint_that_is_not_theirs_accepts_nothing(pins: Pins, noor: Clinician, fingerprint: str) -> None:
    pins.check(noor.id, noor.history)
    anew = Clinician(Keyring.create(noor.id))
    with pytest.raises(errors.FingerprintMismatchError):
        pins.accept_new_identity(noor.id, anew.history, fingerprint)
    assert pins.check(noor.id, noor.history)


def test_a_history_of_another_account_is_refused(pins: Pins, noor: Clinician, eve: Clinician) -> None:
    with pytest.raises(errors.BadHistoryError):
        pins.check(noor.id, eve.history)
    assert pins.check(noor.id, noor.history).first_use


def test_a_history_that_is_not_sound_is_refused(pins: Pins, noor: Clinician) -> None:
    for broken in ([], noor.history * 2):
        with pytest.raises(errors.BadHistoryError):
            pins.check(noor.id, broken)
    assert pins.check(noor.id, noor.history).first_use


def test_pins_last(tmp_path: Path, noor: Clinician) -> None:
    Pins(SealedStore(tmp_path, IDENTITY)).check(noor.id, noor.history)
    assert not Pins(SealedStore(tmp_path, IDENTITY)).check(noor.id, noor.history).first_use
