"""All lost, the person's side: step by step, interrupted anywhere, against a directory that tests make lie."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from concord import errors
from concord.keyring import Keyring
from concord.pins import Pins
from concord.profile import Profile
from concord.recovery_cases.code import CaseCode, read_case_code
from concord.recovery_cases.person import DOCUMENT, CaseProgress, recover_case
from concord.store import SealedStore
from concord_formats.key_entries import SignedEntry, read_entry, read_history
from concord_formats.signatures import from_base64url, to_base64url

from tests.unit.client.household import FAST, ORIGIN, PASSPHRASE, FakeDirectory, once, problem
from tests.unit.client.lost import recovered
from tests.unit.client.people import Clinician

CASE = UUID("0ca5e000-0000-4000-8000-000000000001")
SECRET = "s" * 43


class Directory(FakeDirectory):
    """One account's directory with a case: `state` and `refusal` are what a test sets."""

    state = "opened"
    refusal: tuple[int, str] | None = None
    waiting: SignedEntry | None = None

    def _answered(self, body: dict[str, str], **members: Any) -> httpx.Response:
        if body["secret"] != SECRET:
            return problem(403, "case-code-refused")
        if self.refusal:
            return problem(*self.refusal)
        return httpx.Response(200, json={"state": self.state, "effective_from": None} | members)

    def _post_recovery_cases_id_history(self, id_: UUID, body: dict[str, str], _: str) -> httpx.Response:
        assert id_ == CASE
        shown = [{"entry": to_base64url(e.entry), "signature": to_base64url(e.signature)} for e in self.history]
        return self._answered(body, entries=shown)

    def _post_recovery_cases_id_entry(self, _id: UUID, body: dict[str, str], _: str) -> httpx.Response:
        signed = SignedEntry(from_base64url(body["entry"]), from_base64url(body["signature"]))
        if self.waiting not in (None, signed):
            return problem(409, "recovery-entry-taken")
        read_history([*self.history, signed])
        self.waiting = signed
        self.state = "entered" if self.state == "opened" else self.state
        return self._answered(body, fingerprint="")

    def _post_recovery_cases_id_completion(self, _id: UUID, body: dict[str, str], _: str) -> httpx.Response:
        if self.state == "completed" and self.waiting is not None and self.waiting not in self.history:
            self.history.append(self.waiting)
        return self._answered(body)


@dataclass
class Lost:
    """The person at a new device, and the directory."""

    directory: Directory
    profile: Profile
    account: UUID
    checked: int = 0

    @property
    def code(self) -> CaseCode:
        """As the administrator gave it."""
        return CaseCode(ORIGIN, CASE, self.account, SECRET)

    def go_on(self, code: CaseCode | None = None) -> CaseProgress:
        """The next step."""
        return recover_case(
            self.profile, code, PASSPHRASE, check=self._check, transport=self.directory, work_factor=FAST
        )

    def _check(self, *_: object) -> None:
        assert not self.profile.enrolled, "the settings say last that the account works here"
        self.checked += 1

    @property
    def keyring(self) -> Keyring:
        """What is kept."""
        return Keyring.load(self.profile.keyring, PASSPHRASE)

    def kept(self) -> dict[str, Any] | None:
        """The code, while it is kept."""
        return SealedStore(self.profile.sealed, self.keyring.store_identity()).read(DOCUMENT)


@pytest.fixture
def lost(tmp_path: Path, ana: Clinician) -> Lost:
    return Lost(Directory(ana.keyring.first_entry), Profile(tmp_path / "new"), ana.id)


def test_step_by_step_the_account_works_again_with_new_keys(lost: Lost, ana: Clinician) -> None:
    progress = lost.go_on(lost.code)
    fingerprint = lost.keyring.identity_key().public().fingerprint()
    assert (progress.state, progress.fingerprint) == ("entered", fingerprint)
    entry = read_entry(lost.keyring.first_entry)
    assert (entry.n, entry.encryption_version, len(entry.devices)) == (2, 2, 1)
    assert entry.identity != ana.entry.identity
    for state in ("attested", "announced"):
        lost.directory.state = state
        assert (lost.go_on().state, lost.profile.enrolled) == (state, False)
    lost.directory.state = "completed"
    done = lost.go_on()
    assert (done.state, lost.checked) == ("completed", 1)
    settings = lost.profile.load()
    assert (settings.practitioner, settings.device) == (ana.id, lost.keyring.device)
    store = SealedStore(lost.profile.sealed, lost.keyring.store_identity())
    assert Pins(store).check(ana.id, lost.directory.history).entry == entry
    assert not lost.kept(), "a secret that has done its work is not kept"
    with pytest.raises(errors.AlreadyEnrolledError):
        lost.go_on(lost.code)


@pytest.mark.parametrize(
    "where",
    ["history", "entry", "completion", "GET /practitioners/ID/keys", "POST /token"],
)
@pytest.mark.parametrize("side", ["before", "after"])
def test_interrupted_anywhere_it_goes_on_with_the_same_keys(lost: Lost, where: str, side: str) -> None:
    lost.directory.state = "completed"  # the whole way in one call, so that every step can be cut
    setattr(lost.directory, side, once(where))
    with pytest.raises(errors.UnreachableError):
        lost.go_on(lost.code)
    assert not lost.profile.enrolled
    kept = lost.keyring if lost.profile.keyring.exists() else None
    assert lost.go_on(lost.code).state == "completed"
    assert kept in (None, lost.keyring)
    assert len(lost.directory.history) == 2


def test_keys_are_kept_before_they_are_posted(lost: Lost) -> None:
    def look(asked: str) -> None:
        if asked.endswith("entry"):
            assert lost.keyring.first_entry is not None

    lost.directory.before = look
    lost.go_on(lost.code)
    assert lost.directory.waiting == lost.keyring.first_entry


def test_a_history_that_moved_on_before_the_keys_were_posted_is_followed(lost: Lost, ana: Clinician) -> None:
    lost.directory.before = once("entry")
    with pytest.raises(errors.UnreachableError):
        lost.go_on(lost.code)
    before = lost.keyring
    ana.rotate()
    lost.directory.history = list(ana.history)
    assert lost.go_on().state == "entered"
    assert lost.keyring.identity_seed == before.identity_seed
    assert read_entry(lost.keyring.first_entry).n == 3


Refusals = [
    ("case-code-refused", errors.CaseCodeError),
    ("recovery-case-stopped", errors.CaseRefusedError),
    ("recovery-case-overtaken", errors.CaseRefusedError),
    ("recovery-entry-taken", errors.CaseRefusedError),
    ("account-suspended", errors.ServiceError),
]


@pytest.mark.parametrize(("type_", "error"), Refusals)
def test_what_the_directory_refuses_is_told_by_name(lost: Lost, type_: str, error: type[Exception]) -> None:
    lost.go_on(lost.code)
    lost.directory.refusal = (409, type_)
    with pytest.raises(error):
        lost.go_on()
    assert not lost.profile.enrolled


def test_a_history_that_is_not_the_accounts_is_refused(lost: Lost, noor: Clinician) -> None:
    lost.directory.history = list(noor.history)
    with pytest.raises(errors.CaseHistoryError):
        lost.go_on(lost.code)
    lost.directory.history = lost.directory.history * 2
    with pytest.raises(errors.CaseHistoryError):
        lost.go_on(lost.code)
    assert not lost.profile.keyring.exists()


def test_a_directory_that_completes_with_other_keys_is_refused(lost: Lost, ana: Clinician) -> None:
    lost.go_on(lost.code)
    lost.directory.waiting = None
    lost.directory.state = "completed"

    def swap(asked: str) -> None:
        if asked.startswith("GET /practitioners"):
            lost.directory.history = list(ana.history)

    lost.directory.before = swap
    with pytest.raises(errors.CaseHistoryError, match="other keys"):
        lost.go_on()
    assert not lost.profile.enrolled


def test_a_directory_that_replaces_the_recovered_keys_at_once_is_refused(lost: Lost) -> None:
    """Its own entry goes on from the person's: in the history, and not the keys in force."""
    lost.go_on(lost.code)
    lost.directory.state = "completed"

    def replace(asked: str) -> None:
        if asked.startswith("GET /practitioners"):
            lost.directory.history = list(recovered(Clinician(lost.keyring, lost.directory.history)).history)

    lost.directory.before = replace
    with pytest.raises(errors.CaseHistoryError, match="once more"):
        lost.go_on()
    assert not lost.profile.enrolled
    assert not Pins(SealedStore(lost.profile.sealed, lost.keyring.store_identity())).knows(lost.account)


@pytest.mark.parametrize("where", ["history", "entry", "completion", "keys", "token"])
@pytest.mark.parametrize(
    "content",
    [b"<html>", b"[" * 100_000, b"null", b"7", b"[]", b"{}", b'{"state": 7, "entries": 3}', b"\xff", b'{"state": {}}'],
    ids=lambda each: repr(each[:9]),
)
def test_an_answer_that_is_none_is_told_and_nobody_is_enrolled(lost: Lost, where: str, content: bytes) -> None:
    lost.directory.state = "completed"
    route = {"keys": "_get_practitioners_id_keys", "token": "_token"}.get(where, f"_post_recovery_cases_id_{where}")
    setattr(lost.directory, route, lambda *_: httpx.Response(200, content=content))
    with contextlib.suppress(errors.ConcordError):
        lost.go_on(lost.code)
    assert not lost.profile.enrolled


def test_of_two_at_once_in_one_folder_one_is_told_so(lost: Lost) -> None:
    def meanwhile(asked: str) -> None:
        if asked.endswith("history"):
            lost.directory.before = lambda _: None
            lost.go_on(lost.code)

    lost.directory.before = meanwhile
    with pytest.raises(errors.AlreadyEnrolledError):
        lost.go_on(lost.code)
    assert lost.directory.waiting == lost.keyring.first_entry


def test_a_folder_of_somebody_else_is_not_used(lost: Lost, noor: Clinician) -> None:
    lost.profile.create()
    noor.keyring.save(lost.profile.keyring, PASSPHRASE, work_factor=FAST)
    with pytest.raises(errors.AlreadyEnrolledError):
        lost.go_on(lost.code)


def test_without_a_code_nothing_is_begun(lost: Lost) -> None:
    with pytest.raises(errors.CaseCodeError):
        lost.go_on()


def test_another_passphrase_goes_on_with_nothing(lost: Lost) -> None:
    lost.go_on(lost.code)
    with pytest.raises(errors.WrongPassphraseError):
        recover_case(lost.profile, None, "another", check=lambda *_: None, transport=lost.directory, work_factor=FAST)


def code_of(**changed: str) -> str:
    members = {"base_url": ORIGIN, "case": str(CASE), "practitioner": str(uuid4()), "secret": SECRET} | changed
    return "concord-recovery:" + to_base64url(json.dumps(members).encode())


def test_a_code_that_a_mail_program_wrapped_is_read() -> None:
    line = code_of()
    assert read_case_code(f" {line[:40]}\n{line[40:]}\n").case == CASE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "concord-invitation:" + code_of().partition(":")[2],
        code_of()[:-3],
        code_of(case="no id"),
        code_of(base_url="http://concord.example"),
        code_of(base_url="https://concord.example:port"),
        code_of(base_url="https://xn--a.example"),
        code_of(base_url="https://"),
        code_of(base_url="http://localhost@concord.example"),
        "concord-recovery:" + to_base64url(b"[" * 3000),
        "concord-recovery:W10",
    ],
    ids=[
        "empty",
        "invitation",
        "cut",
        "no-id",
        "in-the-clear",
        "a-port",
        "a-host",
        "no-host",
        "a-user",
        "deep",
        "a-list",
    ],
)
def test_what_is_no_code_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(errors.CaseCodeError) as caught:
        read_case_code(text)
    assert SECRET not in caught.value.message
