"""Alarms: which are kept, and that none hides another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from concord.key_log import Alarm, alarms
from concord.key_log.alarms import MAX_OF_A_KIND, acknowledged, added


def alarm(kind: str, number: int = 0) -> Alarm:
    return Alarm(kind, f"thing {number}", f"message {number}", "hint", blocks=kind == "forked-log")


def flood(kind: str, count: int = 10 * MAX_OF_A_KIND) -> Iterator[Alarm]:
    return (alarm(kind, number) for number in range(count))


@pytest.mark.parametrize("kind", ["own-account", "recovery-announced", "forked-log", "own-name"])
def test_a_flood_of_one_kind_leaves_every_other_kind_where_it_is(kind: str) -> None:
    real = alarm(kind)
    kept = added([real], flood("swapped-key"))
    assert real in kept
    assert len(kept) == 1 + MAX_OF_A_KIND
    assert alarm("own-change") in added(kept, [alarm("own-change")])


def test_of_one_kind_the_first_ones_stay_and_those_that_were_acknowledged_give_way() -> None:
    kept = added([], flood("own-name"))
    assert kept[0] == alarm("own-name", 0)
    assert added(kept, [alarm("own-name", -1)]) == kept
    seen = acknowledged(kept, kept[7].id)
    further = added(seen, [alarm("own-name", -1)])
    assert len(further) == MAX_OF_A_KIND and kept[7] not in further and further[-1] == alarm("own-name", -1)


def test_the_same_thing_is_one_alarm_and_stays_acknowledged() -> None:
    seen = acknowledged(added([], [alarm("own-name")]), alarm("own-name").id)
    assert [each.open for each in added(seen, [alarm("own-name")])] == [False]
    assert len(added([], [alarm("own-name"), alarm("own-account")])) == 2


def test_an_alarm_whose_id_somebody_chose_to_be_that_of_another_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty-two bits are found in minutes: a namesake is acknowledged, and then comes the false key."""
    monkeypatch.setattr(alarms, "_ID_CHARACTERS", 0)
    harmless, real = alarm("own-name"), alarm("own-account")
    kept = added(acknowledged(added([], [harmless]), ""), [real])
    assert [(each.kind, each.open) for each in kept] == [("own-name", False), ("own-account", True)]
    both = acknowledged(added([], [harmless, real]), "")
    assert [each.open for each in both] == [False, True]
