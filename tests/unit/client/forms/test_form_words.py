"""The words: each word of the vocabulary has one in each language, both languages have the same, and they are plain."""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from importlib import resources
from string import Formatter
from typing import Any

import concord.forms
import concord_formats.plain_words
import pytest
from concord.forms.blocks import Items, Paragraph
from concord.forms.compose import compose
from concord.forms.texts import texts
from concord_formats import vocabulary
from concord_formats.plain_words import LANGUAGES, LISTS, plain, plain_opening, table_of
from concord_formats.vocabulary import ConsentType, Information, Purpose, Sensitivity
from hypothesis import given, settings

from tests.unit.client.forms.made import EACH_FORM, flat, form, forms
from tests.unit.client.forms.reading_ease import facilidad, grade

SETS = {"forms": (concord.forms, "texts/{}.toml"), "plain words": (concord_formats.plain_words, "{}.toml")}
EASY = {"en": lambda said: grade(said) <= 7, "es": lambda said: facilidad(said) >= 65}
# One sentence alone: the law's own terms weigh more ("legislative proceedings").
FAIR = {"en": lambda said: grade(said) <= 10.2, "es": lambda said: facilidad(said) >= 50}


def leaves(table: dict[str, Any], path: str = "") -> dict[str, str]:
    """Every text with the path of its keys."""
    found: dict[str, str] = {}
    for key, value in table.items():
        found |= leaves(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return found


def data(name: str, language: str) -> dict[str, str]:
    """One data file."""
    package, path = SETS[name]
    text = (resources.files(package) / path.format(language)).read_text(encoding="utf-8")
    return leaves(tomllib.loads(text))


@pytest.mark.parametrize("words", LISTS, ids=table_of)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_has_a_plain_phrase_of_its_own(words: type[StrEnum], language: str) -> None:
    phrases = [plain(word, language) for word in words]
    assert len(set(phrases)) == len(phrases)
    assert all(phrase == phrase.strip() and not phrase.endswith(".") for phrase in phrases)


def test_every_list_of_the_vocabulary_has_plain_words() -> None:
    lists = {each for each in vars(vocabulary).values() if isinstance(each, type) and issubclass(each, StrEnum)}
    assert lists - {StrEnum} == set(LISTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_plain_word_is_left_over(language: str) -> None:
    assert set(data("plain words", language)) == {f"{table_of(words)}.{word}" for words in LISTS for word in words}


@pytest.mark.parametrize("name", SETS)
def test_both_languages_have_the_same_keys_and_the_same_places_to_fill(name: str) -> None:
    english, spanish = data(name, "en"), data(name, "es")
    assert english.keys() == spanish.keys()
    for key, text in english.items():
        assert _places(text) == _places(spanish[key]), key


def _places(text: str) -> set[str]:
    return {place for _, place, _, _ in Formatter().parse(text) if place}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_hold_no_markup_and_nothing_that_cannot_be_printed(name: str, language: str) -> None:
    for key, text in data(name, language).items():
        assert text.isprintable(), key
        assert not re.search(r"[<>*_`]|  ", text), key


def test_a_word_in_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="en, es"):
        plain(Purpose.TREATMENT, "fr")


@pytest.mark.parametrize(("type_", "language"), EACH_FORM)
def test_a_form_reads_easily(type_: ConsentType, language: str) -> None:
    blocks = compose(form(type_, language, information=frozenset(Information))).blocks
    said = [block.text for block in blocks if isinstance(block, Paragraph)]
    said += [item for block in blocks if isinstance(block, Items) for item in block.items]
    assert EASY[language](said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_statement_and_notice_alone_reads_easily_enough(language: str) -> None:
    tables = texts(language).tables
    for key, text in (leaves(tables["statement"]) | leaves(tables["notice"])).items():
        assert FAIR[language]([text]), key


@settings(max_examples=40, deadline=None)
@given(made=forms())
def test_any_form_names_every_word_of_its_terms_in_its_language(made: Any) -> None:
    text = flat(concord.forms.render_text(made)).lower()
    words: set[StrEnum] = {made.type, *made.purposes, *made.information, *made.sensitivity}
    words |= {made.expires_on} if made.expires_on else set()
    words |= {made.representative.authority} if made.representative else set()
    for word in words:
        assert flat(plain(word, made.language)).lower() in text


@settings(max_examples=40, deadline=None)
@given(made=forms())
def test_no_form_names_a_word_that_is_not_in_its_terms(made: Any) -> None:
    text = flat(concord.forms.render_text(made))
    chosen = {"p": made.purposes, "i": made.information, "s": made.sensitivity}
    for key, words in (("p", Purpose), ("i", Information), ("s", Sensitivity)):
        for word in set(words) - chosen[key]:
            assert flat(plain_opening(word, made.language)) not in text
