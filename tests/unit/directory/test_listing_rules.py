"""How candidates are ranked, where places are, and what a language or a tag is called: rules without a database."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from concord_formats.names import searchable
from hypothesis import given
from hypothesis import strategies as st

from services.directory.rules import languages, places, towns
from services.directory.rules.freshness import is_stale
from services.directory.rules.search import Asked, Candidate, Match, in_order, match
from services.directory.rules.tags import MAX_TAG, Said, plan_tag, tags_of

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LATITUDES = st.floats(-85, 85)
LONGITUDES = st.floats(-180, 180)
CANDIDATES = st.builds(
    Candidate,
    id=st.uuids(),
    words=st.sampled_from([" noor haddad ", " noor hadad ", " nora haddat ", " bo stone ", " haddad "]),
    others=st.sampled_from(["  ", " harbor haddad practice "]),
    enrolled=st.booleans(),
    stale=st.booleans(),
    accepting=st.sampled_from([True, False, None]),
    distance_km=st.one_of(st.none(), st.floats(0, 500)),
)


def candidate(words: str, **members: object) -> Candidate:
    made = Candidate(UUID(int=1), f" {words} ", "  ", enrolled=False, stale=False, accepting=None, distance_km=None)
    return replace(made, **members)  # type: ignore[arg-type]


def ranked(candidates: list[Candidate], asked: Asked) -> list[Candidate]:
    """Those that answer, the best first."""
    return in_order((how, each) for each in candidates if (how := match(each, asked)) is not None)


@given(st.lists(CANDIDATES, unique_by=lambda each: each.id), st.randoms())
def test_the_order_does_not_depend_on_that_of_the_database(found: list[Candidate], draw: object) -> None:
    asked = Asked(either=("haddad",))
    shuffled = list(found)
    draw.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ranked(found, asked) == ranked(shuffled, asked)
    assert {each.id for each in ranked(found, asked)} == {each.id for each in found if match(each, asked)}


@given(CANDIDATES)
def test_each_advantage_brings_an_entry_before_its_like(one: Candidate) -> None:
    worse = replace(one, id=UUID(int=0), enrolled=False, stale=True, accepting=False, distance_km=600.0)
    better = replace(one, enrolled=True, stale=False, accepting=True, distance_km=0.0)
    assert ranked([worse, better], Asked()) == [better, worse]


@pytest.mark.parametrize(
    ("typed", "name", "expected"),
    [
        ("haddad", "noor haddad", Match(0)),
        ("noor haddad", "haddad noor", Match(0)),
        ("hadd", "noor haddad", Match(1)),
        ("n haddad", "noor haddad", Match(1)),
        ("hadad", "noor haddad", Match(2, wrong=1)),
        ("haddda", "noor haddad", Match(2, wrong=1)),
        ("whitfeild", "ana whitfield", Match(2, wrong=1)),
        ("wihtfeild", "ana whitfield", Match(2, wrong=2)),
        ("stone", "noor haddad", None),
        ("lee", "noor li", None),
        ("bo", "noor bolton", None),
        ("noor stone", "noor haddad", None),
    ],
)
def test_how_well_a_name_answers(typed: str, name: str, expected: Match | None) -> None:
    assert match(candidate(name), Asked(name=tuple(typed.split()))) == expected


def test_words_of_an_organization_answer_where_they_are_asked_for() -> None:
    at = candidate("noor haddad", others=" harbor clinic ")
    assert match(at, Asked(organization=("harbor",))) == Match(0)
    assert match(at, Asked(either=("haddad", "harbor"))) == Match(0, elsewhere=1)
    assert match(at, Asked(name=("harbor",))) is None
    assert match(at, Asked(organization=("haddad",))) is None


@given(LATITUDES, LONGITUDES, st.floats(0.1, 300), st.floats(0, 2 * math.pi), st.floats(0, 1))
def test_what_is_within_the_distance_lies_in_the_squares(
    lat: float, lon: float, km: float, bearing: float, share: float
) -> None:
    away = share * km / towns.EARTH_KM
    phi, lam = math.radians(lat), math.radians(lon)
    there = math.asin(math.sin(phi) * math.cos(away) + math.cos(phi) * math.sin(away) * math.cos(bearing))
    east = math.atan2(
        math.sin(bearing) * math.sin(away) * math.cos(phi), math.cos(away) - math.sin(phi) * math.sin(there)
    )
    found = (math.degrees(there), (math.degrees(lam + east) + 540) % 360 - 180)
    assert towns.distance_km((lat, lon), found) == pytest.approx(share * km, abs=0.01)
    assert places.cell(*found) in towns.cells_within(lat, lon, km * 1.001)


def test_a_distance_is_that_of_an_atlas() -> None:
    new_york, los_angeles = (40.7128, -74.0060), (34.0522, -118.2437)
    assert towns.distance_km(new_york, los_angeles) == pytest.approx(3936, rel=0.005)
    assert towns.distance_km(new_york, new_york) == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Springfield, MA", "Springfield, MA"),
        ("springfield massachusetts", "Springfield, MA"),
        ("SPRINGFIELD MA", "Springfield, MA"),
        ("St. Paul, Minnesota", "Saint Paul, MN"),
        ("new york ny", "New York, NY"),
        ("Winston-Salem, NC", "Winston Salem, NC"),
        ("01103", "Springfield, MA 01103"),
        ("01103-0001", "Springfield, MA 01103"),
    ],
)
def test_a_place_is_read_as_people_write_it(text: str, name: str) -> None:
    assert towns.place(text).name == name


def test_of_a_town_in_several_states_the_asker_says_which() -> None:
    with pytest.raises(towns.AmbiguousTownError) as caught:
        towns.place("Springfield")
    assert {"IL", "MA", "MO"} <= set(caught.value.states)


@pytest.mark.parametrize("text", ["Nowhereville, MA", "00000", "MA", "", "99999-"])
def test_a_place_that_nobody_knows_is_unknown(text: str) -> None:
    with pytest.raises(towns.UnknownPlaceError):
        towns.place(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [("es", "es"), ("es-MX", "es"), ("Spanish", "es"), ("SPANISH", "es"), ("ASL", "ase"), ("haitian creole", "ht"),
     ("Farsi", "fa"), ("xx", "xx"), ("Klingonese", None), ("", None), ("e", None)],
)  # fmt: skip
def test_a_language_is_a_code_or_an_english_name(text: str, code: str | None) -> None:
    assert languages.code(text) == code


@given(st.sampled_from(sorted(languages.NAMES)))
def test_every_language_is_found_by_its_name(code: str) -> None:
    assert languages.code(languages.NAMES[code]) == languages.code(code) == code


@pytest.mark.parametrize(("days", "stale"), [(0, False), (90, False), (90.001, True), (None, True)])
def test_ninety_days_are_fresh(days: float | None, stale: bool) -> None:
    assert is_stale(None if days is None else NOW - timedelta(days=days), NOW) is stale


@given(st.text(max_size=200).filter(searchable))
def test_a_plan_is_found_by_itself_and_by_its_beginnings(plan: str) -> None:
    tags = tags_of(Said(plans=(plan,)), enrolled=True)
    assert plan_tag(plan) in tags
    assert plan_tag(searchable(plan).split()[0]) in tags
    assert all(len(each) <= MAX_TAG for each in tags)


def test_only_the_enrolled_have_the_tags_of_the_enrolled() -> None:
    said = Said(specialties=("103T00000X",), accepting=True, telehealth=False)
    assert tags_of(said, enrolled=False) == {"specialty:103T00000X", "accepting:yes"}
    assert tags_of(said, enrolled=True) == {
        "specialty:103T00000X",
        "own-specialty:103T00000X",
        "accepting:yes",
        "enrolled:yes",
    }
