"""Another key for access tokens, by an operator's word."""

from __future__ import annotations

from joserfc import jws

from services.chassis.auth import Caller
from services.directory.rules import rotation
from tests.unit.directory.house import House

MINUTES = 60.0


def kid_of(house: House, caller: Caller) -> str:
    """The key that signs now."""
    token = house.keys.issue(caller, issuer="https://concord.test/directory", thumbprint="t")
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def caller(house: House) -> Caller:
    admin = house.administrator()
    return Caller(admin.id, admin.organization, admin.device.id, "administrator")


def published(house: House) -> set[str]:
    return {str(key["kid"]) for key in house.keys.public_set()}


def test_a_new_key_is_published_before_it_signs_and_the_old_ones_tokens_stay_good(house: House) -> None:
    who = caller(house)
    old = kid_of(house, who)
    signs_from = house.keys.replace(at_once=False)
    assert signs_from == house.clock.now() + rotation.PUBLISH_AHEAD
    (new,) = published(house) - {old}
    assert kid_of(house, who) == old, "nobody else knows the new one yet"
    house.clock.pass_(rotation.PUBLISH_AHEAD.total_seconds())
    assert kid_of(house, who) == new
    assert house.keys.find(old) is not None, "tokens that it signed a moment ago are good"


def test_asking_twice_makes_one_key_that_waits(house: House) -> None:
    old = kid_of(house, caller(house))
    house.keys.replace(at_once=False)
    house.clock.pass_(MINUTES)
    house.keys.replace(at_once=False)
    assert len(published(house) - {old}) == 1


def test_stolen_keys_are_forgotten_at_once(house: House) -> None:
    who = caller(house)
    old = kid_of(house, who)
    assert house.keys.replace(at_once=True) == house.clock.now()
    assert kid_of(house, who) != old
    assert house.keys.find(old) is None
    assert old not in published(house)


def test_the_rotation_by_itself_goes_on_from_there(house: House) -> None:
    kid_of(house, caller(house))
    house.keys.replace(at_once=True)
    house.clock.pass_(rotation.ROTATE_EVERY.total_seconds())
    house.keys.rotate()
    assert len(published(house)) == 2
