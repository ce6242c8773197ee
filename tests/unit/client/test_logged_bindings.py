"""A binding of anybody, asked for anew and held against the mirror of the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from concord import errors
from concord.recovery_cases.attestors import LoggedBindings
from concord_formats.key_log import BindingKind, read_binding

from tests.unit.client.key_log.fake_log import HARBOR, Town
from tests.unit.client.people import Clinician


@pytest.fixture
def town(tmp_path: Path, ana: Clinician, noor: Clinician) -> Town:
    """Beyond one bundle of the log, so that the place in it counts."""
    made = Town(tmp_path)
    made.enrol(ana, "Dr. Ana Whitfield")
    made.fill(300)
    made.enrol(noor, "Dr. Noor Haddad", at=HARBOR)
    return made


def test_the_binding_is_the_one_of_the_log(town: Town, ana: Clinician, noor: Clinician) -> None:
    bindings = LoggedBindings(town.key_log(ana))
    found = bindings.binding(noor.id, 1)
    assert (found.account, found.kind, found.organization) == (noor.id, BindingKind.ENROLLED, HARBOR)
    town.rotate(noor)
    with pytest.raises(errors.UnloggedKeyError):
        bindings.binding(noor.id, 3)


def test_a_directory_that_gives_another_line_than_it_logged_is_caught(
    town: Town, ana: Clinician, noor: Clinician
) -> None:
    """It would make an administrator of somebody, for one reader."""
    log = town.key_log(ana)
    log.refresh()
    town.log.lines[-1] = read_binding(town.log.lines[-1]).model_copy(update={"role": "administrator"}).encode()
    with pytest.raises(errors.MalformedLogError):
        LoggedBindings(log).binding(noor.id, 1)
