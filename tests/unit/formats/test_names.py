"""Names as they are compared: one person's name however it was typed, and names that only look alike."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from concord_formats.names import mixes_scripts, searchable, skeleton
from hypothesis import given
from hypothesis import strategies as st

ANYTHING = st.text(max_size=60)
LATIN = st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ '-.", max_size=40)
# The further planes hold ideographs and nothing that is folded.
EVERY_CHARACTER = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        pytest.param("Łukasz O'Brien-Müller", "lukasz obrien muller", id="accents-and-hyphen"),
        pytest.param("  DR.  ANA\tWhitfield ", "dr ana whitfield", id="case-and-space"),
        pytest.param("O’Neill", "oneill", id="typographic-apostrophe"),
        pytest.param("Noor Haddaʼd", "noor haddad", id="modifier-apostrophe"),
        pytest.param("Jose\u0301 Garci\u0301a", "jose garcia", id="decomposed"),
        pytest.param("Ｎｏｏｒ", "noor", id="fullwidth"),
        pytest.param("Straße", "strasse", id="sharp-s"),
        pytest.param("Дмитрий", "dmitriy", id="cyrillic-is-written-in-latin"),
        pytest.param("Ольга", "olga", id="soft-sign"),
        pytest.param("Kaʻiulani", "kaiulani", id="okina"),
        pytest.param("St. Mary's 2nd Clinic", "st marys 2nd clinic", id="digits-stay"),
        pytest.param("'—…", "", id="nothing-to-search"),
    ],
)
def test_a_name_is_found_however_it_was_typed(typed: str, found: str) -> None:
    assert searchable(typed) == found


@given(ANYTHING)
def test_what_is_searched_is_plain_words_and_folds_to_itself(name: str) -> None:
    plain = searchable(name)
    assert re.fullmatch(r"([a-z0-9]+( [a-z0-9]+)*)?", plain)
    assert searchable(plain) == plain


@given(LATIN)
def test_case_and_space_make_no_other_search(name: str) -> None:
    assert searchable(name.upper()) == searchable(f"  {name}  ") == searchable(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Dr. Ana Whitfield", "Dr. Аnа Whitfield", id="cyrillic-a"),
        pytest.param("HEBA", "НЕВА", id="cyrillic-capitals"),
        pytest.param("Voor", "νοοr", id="greek"),
        pytest.param("Bill Lowe", "BiII Lowe", id="capital-i-for-l"),
        pytest.param("Bill Lowe", "Bi11 L0we", id="digits"),
        pytest.param("Marnie", "Mamie", id="r-n-for-m"),
        pytest.param("Owen", "Ovven", id="two-v-for-w"),
        pytest.param("José García", "Jose Garcia", id="accents"),
        pytest.param("Soren", "Søren", id="a-stroke"),
        pytest.param("O'Neill", "O’Neill", id="apostrophe"),
        pytest.param("Mary-Ann", "Mary‐Ann", id="hyphen"),
        pytest.param("Ann Elee", "Anne Lee", id="where-the-space-is"),
        pytest.param("Irem", "ırem", id="dotless-i"),
        pytest.param("Karen", "Кarеn", id="cyrillic-ka"),
        pytest.param("Noor", "𝐍𝐨𝐨𝐫", id="mathematical-letters"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert one != other
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Ana Whitfield", "Anna Whitfield", id="one-letter-more"),
        pytest.param("Noor Haddad", "Noor Hadded", id="another-vowel"),
        pytest.param("Noor Haddad", "Nour Haddad", id="another-spelling"),
        pytest.param("Дмитрий", "Dmitriy", id="another-alphabet-that-looks-it"),
        pytest.param("", "Ana", id="nothing"),
    ],
)
def test_names_that_a_reader_tells_apart_have_two(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@given(ANYTHING)
def test_a_skeleton_is_its_own(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name)


def test_no_character_has_a_skeleton_that_changes_once_more() -> None:
    assert [each for each in EVERY_CHARACTER if skeleton(skeleton(each)) != skeleton(each)] == []


@given(ANYTHING, ANYTHING)
def test_a_skeleton_is_that_of_its_parts(one: str, other: str) -> None:
    """A letter looks as it looks, whatever stands beside it: nothing is hidden by what is written around it."""
    assert skeleton(f"{one} {other}") == skeleton(one) + skeleton(other)


@given(LATIN)
def test_an_ordinary_name_is_of_one_alphabet(name: str) -> None:
    assert not mixes_scripts(name)


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        pytest.param("Łukasz O’Brien-Müller", False, id="latin-with-accents"),
        pytest.param("Дмитрий Smith", False, id="each-word-its-own"),
        pytest.param("山田タロウ", False, id="japanese"),
        pytest.param("김漢字", False, id="korean"),
        pytest.param("Ана\u0301", False, id="cyrillic-with-an-accent"),
        pytest.param("2nd", False, id="digits"),
        pytest.param("Dr. Аna Whitfield", True, id="cyrillic-a"),
        pytest.param("Nοor", True, id="greek-o"),
        pytest.param("Whitf\u0456eld", True, id="ukrainian-i"),
        pytest.param("Ana-Мария", True, id="joined-by-a-hyphen"),
    ],
)
def test_each_word_is_of_one_alphabet(name: str, mixed: bool) -> None:
    assert mixes_scripts(name) is mixed


def test_the_tables_are_loaded_by_the_first_name_that_needs_them() -> None:
    """Every command would wait for them, and most meet no such name."""
    code = (
        "import sys; from concord_formats.names import mixes_scripts, searchable, skeleton\n"
        'for judge in (mixes_scripts, searchable, skeleton): judge("Dr. Ana O\'Brien 2nd")\n'
        "print(*{'anyascii', 'confusable_homoglyphs'} & set(sys.modules)); print(skeleton('\u0410na'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\nana\n"
