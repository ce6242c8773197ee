"""`docs/law.md` says what the code does, and every rule on it names a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from concord_formats.vocabulary import ConsentType

from services.consent.rules.elements import ELEMENTS
from services.consent.rules.fit import PROHIBITIONS
from services.consent.rules.lifecycle import Deed, Status
from services.consent.rules.standing import WHO, Standing

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "law.md").read_text(encoding="utf-8")
TYPES = list(ConsentType)


def table_under(heading: str) -> list[list[str]]:
    """The cells of the table that follows a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


RULES = table_under("Rules, and the test of each")


def test_the_page_has_rules() -> None:
    assert len(RULES) >= 30


@pytest.mark.parametrize("row", RULES, ids=[row[0][:60] for row in RULES])
def test_every_rule_names_its_source_its_place_and_a_test_that_exists(row: list[str]) -> None:
    rule, source, place, test = row
    assert rule
    assert re.search(r"CFR \d|U\.S\.C\. \d|Concord|RFC", source), "no source"
    for path in (each for each in names_in(place) if "/" in each):
        assert list(ROOT.glob(path)), path
    named = names_in(test)
    assert named, "no test"
    for each in named:
        path, _, function = each.partition("::")
        assert (ROOT / path).exists(), path
        if function:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, each


def test_the_table_of_elements_is_the_code_s() -> None:
    said = {row[0].strip("`"): row[1:] for row in table_under("What each type must hold")}
    for element in ELEMENTS:
        cells = [element.citations.get(type_, "").split(" CFR ")[-1] for type_ in TYPES]
        assert said.pop(element.name) == cells, f"| `{element.name}` | {' | '.join(cells)} |"
    assert not said


def test_the_table_of_prohibitions_is_the_code_s() -> None:
    said = {row[0].strip("`"): row[2] for row in table_under("What may not stand together")}
    assert said == {each.name: each.citation for each in PROHIBITIONS}


def test_the_table_of_deeds_is_the_code_s() -> None:
    said = {row[0].strip("`"): row[1:4] for row in table_under("Who may do what")}
    sides = list(Standing)
    expected = {deed.value: ["yes" if side in WHO[deed] else "" for side in sides] for deed in Deed}
    assert said == expected, "\n".join(f"| `{deed}` | {' | '.join(cells)} | |" for deed, cells in expected.items())


def test_the_page_names_every_status() -> None:
    assert {row[0].strip("`") for row in table_under("How a consent lives")} == set(Status)


def test_the_page_says_what_is_not_settled() -> None:
    unsettled = PAGE.split("## What Concord does not settle", 1)[1]
    for matter in (
        "business associate",
        "qualified service organization",
        "intermediary",
        "State law",
        "Minors",
        "breach",
    ):
        assert matter in unsettled
