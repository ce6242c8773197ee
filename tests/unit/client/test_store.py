"""The sealed store and the letter box."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from concord import errors
from concord.age import HybridIdentity, encrypt_bytes
from concord.store import LetterBox, SealedStore

from tests.unit.client.people import BODY, Clinician, write_letter

IDENTITY = HybridIdentity.generate()


@pytest.fixture
def store(tmp_path: Path) -> SealedStore:
    return SealedStore(tmp_path / "sealed", IDENTITY)


class TestSealedStore:
    """Small sealed documents."""

    def test_a_document_comes_back(self, store: SealedStore) -> None:
        assert store.read("pins") is None
        store.write("pins", {"name": "Jaime Armendáriz"})
        assert store.read("pins") == {"name": "Jaime Armendáriz"}

    def test_it_rests_sealed_and_only_for_its_owner(self, store: SealedStore, tmp_path: Path) -> None:
        store.write("pins", {"name": "Jaime"})
        (file,) = (tmp_path / "sealed").iterdir()
        assert b"Jaime" not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    def test_two_files_cannot_be_exchanged(self, store: SealedStore, tmp_path: Path) -> None:
        """Whoever can write to the disk puts one sealed file in the place of another."""
        store.write("pins", {"a": 1})
        (tmp_path / "sealed" / "pins.age").rename(tmp_path / "sealed" / "address-book.age")
        with pytest.raises(errors.StoreError):
            store.read("address-book")

    def test_a_file_by_another_hand_does_not_open(self, store: SealedStore, tmp_path: Path) -> None:
        """The recipient is never published: what is sealed to any other key is refused."""
        store.write("pins", {"a": 1})
        plain = b'{"name": "pins", "document": {}}'
        forged = encrypt_bytes(plain, [HybridIdentity.generate().recipient()])
        (tmp_path / "sealed" / "pins.age").write_bytes(forged)
        with pytest.raises(errors.StoreError):
            store.read("pins")

    def test_a_changed_or_cut_file_is_refused(self, store: SealedStore, tmp_path: Path) -> None:
        store.write("pins", {"a": 1})
        path = tmp_path / "sealed" / "pins.age"
        sealed = path.read_bytes()
        for broken in (b"", sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1])):
            path.write_bytes(broken)
            with pytest.raises(errors.StoreError):
                store.read("pins")

    @pytest.mark.parametrize("plain", [b"null", b"{}", b'{"name":"pins"}', b'{"name":"pins","document":[]}'])
    def test_a_document_of_another_form_is_refused(self, store: SealedStore, tmp_path: Path, plain: bytes) -> None:
        (tmp_path / "sealed").mkdir()
        (tmp_path / "sealed" / "pins.age").write_bytes(encrypt_bytes(plain, [IDENTITY.recipient()]))
        with pytest.raises(errors.StoreError):
            store.read("pins")

    @pytest.mark.parametrize("name", ["", "../keyring", "a/b", "A", ".hidden", "a" * 101, "pins\n"])
    def test_a_name_never_leads_out_of_the_directory(self, store: SealedStore, name: str) -> None:
        with pytest.raises(errors.StoreError):
            store.write(name, {})

    def test_a_change_that_fails_changes_nothing(self, store: SealedStore) -> None:
        store.write("pins", {"a": 1})
        with pytest.raises(RuntimeError), store.changing("pins") as document:
            document["a"] = 2
            raise RuntimeError
        assert store.read("pins") == {"a": 1}

    def test_no_change_is_lost_between_processes(self, store: SealedStore, tmp_path: Path) -> None:
        """Four processes each count to 25 in one document, all at once."""
        script = (
            "import sys; from pathlib import Path; from concord.age import HybridIdentity\n"
            "from concord.store import SealedStore\n"
            "identity = HybridIdentity.from_seed(bytes.fromhex(sys.stdin.readline()))\n"
            "store = SealedStore(Path(sys.argv[1]), identity)\n"
            "print('ready', flush=True); sys.stdin.readline()\n"
            "for _ in range(25):\n"
            "    with store.changing('count') as d: d['n'] = d.get('n', 0) + 1\n"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "sealed")]
        pipe = subprocess.PIPE
        running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
        for process in running:
            assert process.stdin
            assert process.stdout
            process.stdin.write(IDENTITY.seed.hex() + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in running:
            process.communicate()
        assert [process.returncode for process in running] == [0] * 4
        assert store.read("count") == {"n": 100}


class TestLetterBox:
    """Letters as they came."""

    def test_a_letter_is_kept_verbatim(self, ana: Clinician, noor: Clinician, tmp_path: Path) -> None:
        letter, sealed = write_letter(ana, noor)
        box, identifier = LetterBox(tmp_path / "letters"), sealed.statement.letter
        with box.writing(identifier) as target:
            target.write(letter)
        assert identifier in box
        assert list(box) == [identifier]
        assert b"".join(box.pieces(identifier, 1000)) == letter
        assert box.address(identifier).encode() == sealed.address_line
        assert box.sha256(identifier) == sealed.sha256
        assert BODY not in (tmp_path / "letters" / f"{identifier}.letter").read_bytes()

    def test_an_interrupted_letter_is_not_in_the_box(self, tmp_path: Path) -> None:
        box, letter = LetterBox(tmp_path), uuid4()
        with pytest.raises(ConnectionError), box.writing(letter) as target:
            target.write(b"half")
            raise ConnectionError
        assert letter not in box
        assert list(tmp_path.iterdir()) == []

    def test_a_server_that_hands_out_another_letter_is_refused(
        self, ana: Clinician, noor: Clinician, tmp_path: Path
    ) -> None:
        box, wanted = LetterBox(tmp_path), uuid4()
        with pytest.raises(errors.MalformedLetterError), box.writing(wanted) as target:
            target.write(write_letter(ana, noor)[0])
        assert wanted not in box

    def test_bytes_that_are_no_letter_are_refused(self, tmp_path: Path) -> None:
        box, letter = LetterBox(tmp_path), uuid4()
        for bytes_ in (b"", b"x" * 100_000, b"{}\nage"):
            with pytest.raises(errors.MalformedLetterError), box.writing(letter) as target:
                target.write(bytes_)
        assert letter not in box

    def test_a_letter_moves_to_another_box(self, ana: Clinician, noor: Clinician, tmp_path: Path) -> None:
        letter, sealed = write_letter(ana, noor)
        outgoing, kept, identifier = LetterBox(tmp_path / "a"), LetterBox(tmp_path / "b"), sealed.statement.letter
        with outgoing.writing(identifier) as target:
            target.write(letter)
        outgoing.move(identifier, kept)
        assert identifier in kept
        assert identifier not in outgoing
        kept.remove(identifier)
        kept.remove(identifier)
        assert identifier not in kept
