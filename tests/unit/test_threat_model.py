"""`docs/threat-model.md` claims nothing without a test: each test that it names exists, and each claim names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
TESTS = set(re.findall(r"^ *def (test_\w+)", SOURCES, re.MULTILINE))
FOUR = ("A malicious directory", "A stolen laptop", "A stolen database", "A malicious administrator")


def claims(heading: str) -> list[list[str]]:
    """The rows of the table under a heading: what is tried, what comes of it, how, which tests."""
    section = PAGE.split(f"\n### {heading}\n", 1)[1].split("\n##", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", PAGE))))
def test_a_test_that_the_threat_model_names_exists(name: str) -> None:
    assert name in TESTS


@pytest.mark.parametrize("heading", FOUR)
def test_what_is_prevented_or_detected_has_a_test_beside_it(heading: str) -> None:
    rows = claims(heading)
    assert len(rows) >= 5
    for tried, outcome, _, tests in rows:
        assert outcome.split()[0].strip(",") in {"prevented", "detected", "not"}, tried
        assert outcome.startswith("not") or re.search(r"`test_\w+`", tests), tried


@pytest.mark.parametrize("heading", FOUR)
def test_each_of_the_four_says_what_is_not_protected(heading: str) -> None:
    assert any(outcome.startswith("not") for _, outcome, _, _ in claims(heading))
