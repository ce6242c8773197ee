"""One's own account in the log: what only its owner can notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from concord.key_log import Alarm, KeyLog, alarms
from concord.key_log.mirror import Named
from concord.key_log.watching import name_alarms
from concord.keyring import Keyring
from concord_formats.key_log import Binding, BindingKind

from tests.unit.client.key_log.fake_log import HARBOR, RIVERSIDE, Town, binding, stranger
from tests.unit.client.people import Clinician, new_device


@pytest.fixture
def log(town: Town, ana: Clinician) -> KeyLog:
    """Ana's view, after her enrolment on this device."""
    made = town.colleagues(ana).key_log
    assert made
    made.made(ana.history[0], 1)
    made.refresh()
    return made


def seen(log: KeyLog) -> list[Alarm]:
    log.refresh(within=0)
    return log.alarms()


def test_ones_own_enrolment_is_no_alarm(log: KeyLog) -> None:
    assert seen(log) == []


def test_keys_that_somebody_added_to_ones_account(town: Town, log: KeyLog, ana: Clinician) -> None:
    """The directory logs an entry of its own making, to show to others."""
    theirs = Clinician(Keyring.create(ana.id))
    theirs.change(add_device=new_device())
    town.log.bind(binding(theirs.history[-1]))
    [alarm] = seen(log)
    assert (alarm.kind, alarm.evidence["leaf"]) == ("own-account", 2)
    assert "device-added" in alarm.message
    assert not alarm.blocks


def test_a_whole_other_history_under_ones_account(town: Town, log: KeyLog, ana: Clinician) -> None:
    theirs = Keyring.create(ana.id).first_entry
    town.log.bind(binding(theirs, name="Dr. Ana Whitfield", organization=RIVERSIDE, role="practitioner"))
    assert [alarm.kind for alarm in seen(log)] == ["own-account"]


def test_ones_own_entry_that_is_logged_once_more_under_another_name(town: Town, log: KeyLog, ana: Clinician) -> None:
    """The keys are Ana's own; what would be new is what everybody calls her."""
    town.log.bind(binding(ana.history[0], name="Dr. Mallory", organization=RIVERSIDE, role="practitioner"))
    assert [alarm.kind for alarm in seen(log)] == ["own-account"]


def test_an_own_entry_that_this_device_did_not_make(town: Town, log: KeyLog, ana: Clinician) -> None:
    """A thief of another device could have added one of theirs: it is soundly signed, and its owner is told."""
    ana.change(add_device=new_device())
    town.log.bind(binding(ana.history[-1]))
    [alarm] = seen(log)
    assert alarm.kind == "own-change"
    log.acknowledge(alarm.id)
    town.fill(1)
    assert [each.open for each in seen(log)] == [False]


def test_the_entry_by_which_this_device_came_is_no_news_to_it(town: Town, log: KeyLog, ana: Clinician) -> None:
    """What is pinned came along from the other device, which made the entry."""
    added = new_device()
    log._own_account._device = added.id
    ana.change(add_device=added)
    town.log.bind(binding(ana.history[-1]))
    assert seen(log) == []


def test_what_this_device_made_itself_is_no_news(town: Town, log: KeyLog, ana: Clinician) -> None:
    ana.change(add_device=new_device())
    log.made(ana.history[-1], 2)
    town.log.bind(binding(ana.history[-1]))
    assert seen(log) == []


def test_a_device_that_begins_takes_the_history_as_it_finds_it(town: Town, ana: Clinician) -> None:
    town.rotate(ana)
    log = town.colleagues(ana).key_log
    assert log and seen(log) == []


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ({"name": "DR. ANA  WHITFIELD"}, "name"),
        ({"name": "Dr. Ana\u00ad Whit\u200dfield\ufe0f"}, "name"),
        ({"name": "Somebody Else", "npi": "1245319599"}, "NPI"),
    ],
)
def test_ones_name_or_number_over_another_account(town: Town, log: KeyLog, named: dict[str, Any], what: str) -> None:
    other = stranger(**({"organization": HARBOR} | named))
    town.log.bind(other)
    [alarm] = seen(log)
    assert alarm.kind == "own-name"
    assert what in alarm.message and str(other.account) in alarm.message
    town.fill(3)
    assert len(seen(log)) == 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Dr. Аnа Whitfield", id="cyrillic"),
        pytest.param("Dr. Ana VVhitfieId", id="latin"),
        pytest.param("Dr. Ana Whitfïeld", id="an-accent"),
    ],
)
def test_a_name_that_looks_like_ones_own_over_another_account(town: Town, log: KeyLog, name: str) -> None:
    """What a colleague would not notice, its owner's client does."""
    other = stranger(name, organization=HARBOR)
    town.log.bind(other)
    [alarm] = seen(log)
    assert alarm.kind == "own-name" and not alarm.blocks
    assert "looks like yours" in alarm.message and str(other.account) in alarm.message
    town.fill(3)
    assert len(seen(log)) == 1


def test_of_two_who_have_no_number_none_is_taken() -> None:
    me = Named(1, uuid4(), "office", "office", None, HARBOR, "administrator")
    [alarm] = name_alarms(me, [me, replace(me, leaf=2, account=uuid4())])
    assert alarm.message.endswith("goes by your name") and "namesake" in alarm.hint


def test_a_name_that_only_sounds_like_ones_own_is_no_alarm(town: Town, log: KeyLog) -> None:
    town.log.bind(stranger("Dr. Anna Whitfield"))
    assert seen(log) == []


def test_a_namesake_is_told_once_and_not_again_with_every_binding(
    town: Town, log: KeyLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else those that give way to others would come back for ever."""
    monkeypatch.setattr(alarms, "MAX_OF_A_KIND", 1)
    for _ in range(2):
        town.log.bind(stranger("Dr. Ana Whitfield"))
        [alarm] = seen(log)
        log.acknowledge(alarm.id)
    town.fill(1)
    assert [each.open for each in seen(log)] == [False]


def test_another_account_without_an_npi_is_not_ones_own(town: Town, noor: Clinician, eve: Clinician) -> None:
    """No number is no number in common."""
    town.enrol(eve, "Dr. Eve")
    log = town.colleagues(eve).key_log
    assert log
    town.log.bind(stranger("Another without a number"))
    assert seen(log) == []


def test_a_recovery_that_was_announced_is_loud(town: Town, log: KeyLog, ana: Clinician) -> None:
    now = datetime.now(UTC)
    waiting = Binding(
        v=1,
        account=ana.id,
        n=2,
        kind=BindingKind.RECOVERY_ANNOUNCED,
        entry="ab" * 32,
        at=now,
        name="Dr. Ana Whitfield",
        npi="1245319599",
        organization=RIVERSIDE,
        role="practitioner",
        effective_from=now + timedelta(hours=72),
        attestations=("cd" * 32, "ef" * 32),
    )
    town.log.bind(waiting)
    [alarm] = seen(log)
    assert alarm.kind == "recovery-announced"
    assert "ALL KEYS" in alarm.message and f"{now + timedelta(hours=72):%Y-%m-%d}" in alarm.message
    assert "refuse" in alarm.hint


def test_a_recovery_of_somebody_else_is_theirs(town: Town, log: KeyLog, noor: Clinician) -> None:
    refused = Binding(
        v=1, account=noor.id, n=2, kind=BindingKind.RECOVERY_REFUSED, entry="ab" * 32, at=datetime.now(UTC)
    )
    town.log.bind(refused)
    assert seen(log) == []


def test_an_alarm_is_kept_by_the_device_and_not_by_the_process(town: Town, log: KeyLog, ana: Clinician) -> None:
    town.log.bind(stranger("Dr. Ana Whitfield"))
    seen(log)
    again = town.key_log(ana)
    assert [alarm.kind for alarm in again.alarms()] == ["own-name"]
