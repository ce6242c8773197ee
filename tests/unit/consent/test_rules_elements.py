"""What a consent must hold."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from services.consent.rules.elements import ELEMENTS, IncompleteError, check_activation, missing_elements
from services.consent.rules.terms import Text
from tests.unit.consent.examples import DAY, NOW, TERMS, text

EMPTY = frozenset[str]()


def names(lacking: Text) -> list[str]:
    return [each.element for each in missing_elements(lacking)]


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        (text(), []),
        (text(replace(TERMS, patient="")), ["patient"]),
        (text(replace(TERMS, purposes=EMPTY)), ["purpose"]),
        (text(replace(TERMS, information=EMPTY)), ["information"]),
        (text(replace(TERMS, sensitivity=EMPTY)), ["sensitivity"]),
        (text(replace(TERMS, valid_until=TERMS.valid_from)), ["expiration"]),
        (text(evidence=None), ["signature", "signature-date", "acceptance"]),
        (text(accept=()), ["acceptance"]),
        (
            text(replace(TERMS, purposes=EMPTY, information=EMPTY), accept=(), evidence=None),
            ["purpose", "information", "signature", "signature-date", "acceptance"],
        ),
    ],
)
def test_every_missing_element_is_named(lacking: Text, expected: list[str]) -> None:
    assert names(lacking) == expected


def test_each_element_cites_where_it_is_written() -> None:
    written = re.compile(r"45 CFR 164\.508\(|42 CFR 2\.31\(a\)\(\d+\)")
    assert all(written.search(each.citation) for each in ELEMENTS)
    assert len({each.name for each in ELEMENTS}) == len(ELEMENTS)


def test_all_of_42_cfr_2_31_a_that_a_server_can_see_is_in_the_table() -> None:
    """(6), the right to revoke, and (10), the statements for payment and operations, are words on the form, which is
    sealed.
    """
    cited = {int(n) for each in ELEMENTS for n in re.findall(r"2\.31\(a\)\((\d+)\)", each.citation)}
    assert cited == {1, 2, 3, 4, 5, 7, 8, 9}


def test_what_is_over_is_not_put_in_force() -> None:
    with pytest.raises(IncompleteError) as refused:
        check_activation(text(), TERMS.valid_until)
    assert [each.element for each in refused.value.missing] == ["unexpired"]
    check_activation(text(), TERMS.valid_until - DAY)


def test_a_refusal_lists_the_expired_window_beside_what_is_missing() -> None:
    with pytest.raises(IncompleteError) as refused:
        check_activation(text(accept=()), NOW + 4000 * DAY)
    assert [each.element for each in refused.value.missing] == ["acceptance", "unexpired"]
