"""Bindings: what a leaf of the key log says, what each kind takes, and what the log is called."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any
from uuid import UUID

import pytest
from concord_formats.key_log import MAX_BINDING_BYTES, Binding, BindingError, BindingKind, origin, read_binding
from concord_formats.notes import Checkpoint, VerifierKey, sign_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.directory.rules.people import MAX_NAME, Role
from services.directory.shapes import NAME_PATTERN
from services.directory.shapes import Name as DirectoryName

ACCOUNT, ORGANIZATION = UUID(int=0xA, version=4), UUID(int=0xB, version=4)
BASE: dict[str, Any] = {"v": 1, "account": str(ACCOUNT), "n": 3, "entry": "a" * 64, "at": "2026-11-28T12:00:00Z"}
WHO: dict[str, Any] = {"name": "Ana Ruiz, MD", "organization": str(ORGANIZATION), "role": "practitioner"}
ATTESTED = {"attestations": ["1" * 64, "2" * 64]}
FROM = {"effective_from": "2026-12-01T12:00:00Z"}
WHOLE: dict[BindingKind, dict[str, Any]] = {
    BindingKind.ENROLLED: BASE | WHO | {"n": 1, "npi": "1234567893"},
    BindingKind.DEVICE_ADDED: BASE,
    BindingKind.DEVICE_REVOKED: BASE,
    BindingKind.KEYS_CHANGED: BASE,
    BindingKind.RECOVERED: BASE | WHO | ATTESTED,
    BindingKind.RECOVERY_ANNOUNCED: BASE | WHO | ATTESTED | FROM,
    BindingKind.RECOVERY_REFUSED: BASE,
}
kinds = pytest.mark.parametrize("kind", BindingKind)
names = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=200)


def line(kind: BindingKind, /, **changed: Any) -> bytes:
    """A binding of a kind with some members changed (None: removed)."""
    members = WHOLE[kind] | {"kind": kind.value} | changed
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


class TestBindings:
    """Leaves."""

    @kinds
    def test_every_kind_is_read_as_it_was_written(self, kind: BindingKind) -> None:
        binding = read_binding(line(kind))
        assert read_binding(binding.encode()) == binding
        assert b"\n" not in binding.encode()
        assert b"null" not in binding.encode()

    @given(names, st.sampled_from(["1234567893", None]))
    def test_any_name_fits(self, name: str, npi: str | None) -> None:
        binding = read_binding(line(BindingKind.RECOVERY_ANNOUNCED, name=name, npi=npi))
        assert (binding.name, binding.npi) == (name, npi)
        assert len(binding.encode()) <= MAX_BINDING_BYTES

    @given(st.from_regex(NAME_PATTERN.replace("$", r"\Z"), fullmatch=True).filter(lambda name: len(name) <= MAX_NAME))
    def test_every_name_that_the_directory_takes_can_be_logged(self, name: str) -> None:
        TypeAdapter(DirectoryName).validate_python(name)
        assert read_binding(line(BindingKind.ENROLLED, name=name)).name == name

    @pytest.mark.parametrize("role", Role)
    def test_and_every_role(self, role: Role) -> None:
        assert read_binding(line(BindingKind.ENROLLED, role=role.value)).role == role

    def test_a_leaf_is_the_hash_of_the_line_after_a_zero_byte(self) -> None:
        binding = read_binding(line(BindingKind.ENROLLED))
        assert binding.leaf() == hashlib.sha256(b"\0" + binding.encode()).digest()

    def test_five_kinds_record_an_entry_and_two_do_not(self) -> None:
        waiting = {kind for kind in BindingKind if not kind.records_entry}
        assert waiting == {BindingKind.RECOVERY_ANNOUNCED, BindingKind.RECOVERY_REFUSED}

    @kinds
    @pytest.mark.parametrize("member", ["name", "npi", "organization", "role", "effective_from", "attestations"])
    def test_a_kind_has_its_members_and_no_others(self, kind: BindingKind, member: str) -> None:
        present = member in WHOLE[kind]
        spare = (WHO | ATTESTED | FROM | {"npi": "1234567893"})[member]
        optional = member == "npi" and "name" in WHOLE[kind]
        changed = line(kind, **{member: None if present else spare})
        if optional:
            read_binding(changed)
        else:
            with pytest.raises(BindingError):
                read_binding(changed)

    @kinds
    @pytest.mark.parametrize(
        "changed",
        [
            {"v": None},
            {"v": 2},
            {"v": "1"},
            {"account": None},
            {"account": "A" * 36},
            {"n": 0},
            {"n": 4097},
            {"n": "3"},
            {"n": 3.0},
            {"n": True},
            {"kind": "renamed"},
            {"kind": None},
            {"entry": "A" * 64},
            {"entry": "a" * 63},
            {"entry": "a" * 64 + "\n"},
            {"at": "2026-11-28"},
            {"at": 1795000000},
            {"at": None},
            {"previous": "a" * 64},
            {"devices": []},
        ],
    )
    def test_a_malformed_member_is_refused(self, kind: BindingKind, changed: dict[str, Any]) -> None:
        with pytest.raises(BindingError):
            read_binding(line(kind, **changed))

    @pytest.mark.parametrize(
        "changed",
        [
            {"name": ""},
            {"name": "A" * 201},
            {"name": "Ana\nRuiz"},
            {"name": "Ana\u202eziuR"},
            {"name": "Ana\u200bRuiz"},
            {"npi": "123456789"},
            {"npi": "12345678930"},
            {"npi": "١٢٣٤٥٦٧٨٩٣"},
            {"organization": "here"},
            {"role": "Practitioner"},
            {"role": ""},
            {"attestations": []},
            {"attestations": ["1" * 64]},
            {"attestations": ["1" * 64, "1" * 64]},
            {"attestations": ["1" * 64, "2" * 64, "3" * 64]},
            {"attestations": ["1" * 64, "x" * 64]},
            {"effective_from": "2026-11-28T11:59:59Z"},
            {"effective_from": "soon"},
        ],
    )
    def test_who_somebody_is_and_who_says_so_is_read_strictly(self, changed: dict[str, Any]) -> None:
        with pytest.raises(BindingError):
            read_binding(line(BindingKind.RECOVERY_ANNOUNCED, **changed))

    def test_only_an_enrolment_is_the_first(self) -> None:
        with pytest.raises(BindingError, match="first"):
            read_binding(line(BindingKind.ENROLLED, n=2))
        with pytest.raises(BindingError, match="first"):
            read_binding(line(BindingKind.KEYS_CHANGED, n=1))

    @pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b"{" * 5000, b" " * (MAX_BINDING_BYTES + 1)])
    def test_what_is_no_line_is_refused(self, data: bytes) -> None:
        with pytest.raises(BindingError):
            read_binding(data)

    def test_a_member_stands_once_and_a_line_is_one(self) -> None:
        whole = line(BindingKind.KEYS_CHANGED)
        for wrong in (whole[:-1] + b', "n": 3}', whole + b"\n", b"\n" + whole, whole + whole):
            with pytest.raises(BindingError):
                read_binding(wrong)

    @given(st.binary(max_size=100))
    def test_any_bytes_are_a_binding_or_a_binding_error(self, data: bytes) -> None:
        with contextlib.suppress(BindingError):
            read_binding(data)

    def test_what_is_too_long_to_be_read_is_not_written(self) -> None:
        wide = Binding.model_construct(**read_binding(line(BindingKind.ENROLLED)).model_dump() | {"name": "x" * 5000})
        with pytest.raises(BindingError, match="longer"):
            wide.encode()


class TestOrigin:
    """Names."""

    @pytest.mark.parametrize(
        ("address", "name"),
        [
            ("https://concord.example", "concord.example/directory/log"),
            ("https://Concord.Example/", "concord.example/directory/log"),
            ("https://concord.example:443", "concord.example/directory/log"),
            ("http://concord.example:80/", "concord.example/directory/log"),
            ("http://concord.example:443", "concord.example:443/directory/log"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080/directory/log"),
            ("http://[::1]:8080", "[::1]:8080/directory/log"),
            ("https://clinic.example/concord/", "clinic.example/concord/directory/log"),
        ],
    )
    def test_a_log_is_called_by_its_address_without_the_scheme(self, address: str, name: str) -> None:
        assert origin(address) == name

    @pytest.mark.parametrize("address", ["https://concord.example", "http://[::1]:8080", "http://127.0.0.1:8000/a/b"])
    def test_the_name_can_stand_in_a_note(self, address: str) -> None:
        key = Ed25519PrivateKey.generate()
        sign_note(Checkpoint(origin(address), 0, bytes(32)).encode(), origin(address), key)
        assert VerifierKey.decode(VerifierKey.of(origin(address), key).encode()).name == origin(address)

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "concord.example",
            "ftp://concord.example",
            "https://",
            "https://user@concord.example",
            "https://concord.example?x=1",
            "https://concord.example#x",
            "https://concord.example:port",
            "https://concord.example/a b",
            "https://concord.example/a+b",
            f"https://{'c' * 300}.example",
            "https://concord.example:99999",
            "https://[::1",
        ],
    )
    def test_what_is_no_address_names_no_log(self, address: str) -> None:
        with pytest.raises(BindingError):
            origin(address)
