"""The address book: names of patients, for their clinician's eyes only."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from concord.address_book import AddressBook, Patient, new_token
from concord.age import HybridIdentity
from concord.cli import patient
from concord.errors import AddressBookError
from concord.store import SealedStore

IDENTITY = HybridIdentity.generate()
NAME = "Jaime Armendáriz"


@pytest.fixture
def book(tmp_path: Path) -> AddressBook:
    return AddressBook(SealedStore(tmp_path, IDENTITY))


def test_a_patient_is_found_by_alias_and_by_token(book: AddressBook) -> None:
    patient = book.add("blue-heron", f"  {NAME} ")
    assert patient.name == NAME
    assert book.find("blue-heron") == book.find(patient.token) == patient
    assert book.token("blue-heron") == book.token(patient.token) == patient.token
    assert book.alias(patient.token) == "blue-heron"
    assert book.entries() == {"blue-heron": patient}


def test_a_new_token_is_random_and_well_formed() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"pt_[a-z2-7]{26}", token) for token in tokens)


def test_a_token_that_a_colleague_brought_is_kept(book: AddressBook) -> None:
    token = new_token()
    assert book.add("grey-wren", NAME, token=token).token == token


def test_a_token_not_in_the_book_stands_for_itself(book: AddressBook) -> None:
    token = new_token()
    assert book.token(token) == token
    assert book.alias(token) is None


@pytest.mark.parametrize(
    "alias", ["", "Blue", "blue heron", "-x", "blue_heron", "x" * 65, "é", "a\n", "pt_" + "a" * 26]
)
def test_an_alias_of_another_form_is_refused(book: AddressBook, alias: str) -> None:
    with pytest.raises(AddressBookError):
        book.add(alias, NAME)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\x1b[31mred"])
def test_a_name_of_another_form_is_refused(book: AddressBook, name: str) -> None:
    with pytest.raises(AddressBookError):
        book.add("blue-heron", name)


@pytest.mark.parametrize("token", ["", "pt_", "pt_" + "1" * 26, "xx_" + "a" * 26])
def test_a_token_of_another_form_is_refused(book: AddressBook, token: str) -> None:
    with pytest.raises(AddressBookError):
        book.add("blue-heron", NAME, token=token)


def test_an_alias_and_a_token_stand_once(book: AddressBook) -> None:
    patient = book.add("blue-heron", NAME)
    with pytest.raises(AddressBookError):
        book.add("blue-heron", "Somebody Else")
    with pytest.raises(AddressBookError):
        book.add("grey-wren", NAME, token=patient.token)
    assert list(book.entries()) == ["blue-heron"]


def test_what_another_device_knows_comes_in_beside_ones_own(tmp_path: Path) -> None:
    here, there = (AddressBook(SealedStore(tmp_path / name, IDENTITY)) for name in ("here", "there"))
    mine, theirs = here.add("blue-heron", NAME), there.add("grey-wren", "Robin")
    assert here.take_in(there.document()) == there.take_in(here.document()) == []
    assert here.entries() == there.entries() == {"blue-heron": mine, "grey-wren": theirs}
    there.remove("blue-heron")
    here.take_in(there.document())
    assert here.entries() == {"grey-wren": theirs}
    assert here.alias(mine.token) is None
    again = here.add("blue-heron", NAME, token=mine.token)
    there.take_in(here.document())
    assert there.find("blue-heron") == again


def test_who_is_under_another_alias_now_is_told(tmp_path: Path) -> None:
    clock = iter([1.0, 2.0]).__next__
    here, there = (AddressBook(SealedStore(tmp_path / name, IDENTITY), clock) for name in ("here", "there"))
    first, second = here.add("blue-heron", NAME), there.add("blue-heron", "Robin")
    mine = here.document()
    ours, theirs = (f"blue-heron-{each.token[3:7]}" for each in (first, second))
    assert here.take_in(there.document()) == [("blue-heron", ours)]
    assert there.take_in(mine) == [("blue-heron", theirs)]
    assert here.entries() == there.entries() == {ours: first, theirs: second}
    assert there.token(theirs) == second.token


def test_an_alias_that_two_patients_were_given_is_refused_by_name(tmp_path: Path) -> None:
    here, there = (AddressBook(SealedStore(tmp_path / name, IDENTITY)) for name in ("here", "there"))
    here.add("blue-heron", NAME)
    there.add("blue-heron", "Robin")
    here.take_in(there.document())
    for asked in (here.token, here.remove):
        with pytest.raises(AddressBookError, match=r"blue-heron-[a-z2-7]{4}, blue-heron-[a-z2-7]{4}") as caught:
            asked("blue-heron")
        assert NAME not in caught.value.message
    with pytest.raises(AddressBookError, match="taken"):
        here.add("blue-heron", "A third")


def test_what_is_no_address_book_changes_nothing(book: AddressBook) -> None:
    patient = book.add("blue-heron", NAME)
    with pytest.raises(AddressBookError):
        book.take_in({"grey-wren": {"name": "Robin", "token": "none"}})
    assert book.entries() == {"blue-heron": patient}


def test_a_book_of_an_older_version_goes_on(tmp_path: Path) -> None:
    store, token = SealedStore(tmp_path, IDENTITY), new_token()
    store.write("address-book", {"blue-heron": {"name": NAME, "token": token}})
    book = AddressBook(store)
    patient = book.add("grey-wren", "Robin")
    assert book.entries() == {"blue-heron": Patient(NAME, token), "grey-wren": patient}
    book.remove("blue-heron")
    assert list(book.entries()) == ["grey-wren"]


def test_an_alias_can_be_forgotten(book: AddressBook) -> None:
    book.add("blue-heron", NAME)
    book.remove("blue-heron")
    assert book.entries() == {}
    with pytest.raises(AddressBookError):
        book.remove("blue-heron")


def test_no_error_and_no_repr_holds_a_name(book: AddressBook) -> None:
    """Somebody types the name where the alias belongs: the error must not carry it to a log."""
    patient = book.add("blue-heron", NAME)
    assert NAME not in repr(patient)
    with pytest.raises(AddressBookError) as caught:
        book.token(NAME)
    assert NAME not in caught.value.message + caught.value.hint


def test_the_file_on_the_disk_holds_no_name(book: AddressBook, tmp_path: Path) -> None:
    patient = book.add("blue-heron", NAME)
    for file in tmp_path.iterdir():
        assert NAME.encode() not in file.read_bytes()
        assert patient.token.encode() not in file.read_bytes()


def test_a_patient_is_removed_by_the_command_that_hints_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is left without the token: it is told once more."""
    book = AddressBook(SealedStore(tmp_path, IDENTITY))
    token = book.add("blue-heron", NAME).token
    monkeypatch.setattr(patient, "unlock", lambda *_: nullcontext(SimpleNamespace(address_book=book)))
    patient.remove("blue-heron")
    assert book.entries() == {}
    told = capsys.readouterr().out
    assert token in told and NAME not in told
    with pytest.raises(AddressBookError):
        patient.remove("blue-heron")
