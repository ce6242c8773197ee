"""The export over HTTP: every line with its proof, blinded where the reader is no party, checked as a client does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats import merkle
from concord_formats.account import AccountCount, leaf_data
from concord_formats.notes import Checkpoint, VerifierKey, verify_note
from concord_formats.signatures import from_base64url
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.auth import Authenticator
from services.chassis.clock import SystemClock
from services.chassis.problems import Problem
from services.chassis.web import service_app
from services.consent import account, account_api, signed_in
from services.consent.account_export import Log
from services.consent.account_key import AccountKey, make_account_key
from services.consent.rules.sight import Happening, sees
from services.consent.rules.standing import Member, Patient
from tests.unit.chassis.visitor import IssuerKeys
from tests.unit.consent.browser import Browser
from tests.unit.consent.examples import COLLEAGUE, PATIENT, PHYSICIAN, PSYCHOLOGIST, STRANGER, TERMS, practitioner
from tests.unit.consent.ledger import OTHER, line, tell
from tests.unit.consent.world import World, settings

REFUSED = "care.concord.messaging.letter-refused.v1"
ACCOUNT = f"/v1/patients/{PATIENT}/account"


@pytest.fixture
def log(world: World, tmp_path: Path) -> Log:
    make_account_key(tmp_path / "account.jwk")
    return Log(world.database, world.clock, AccountKey.from_settings(settings(tmp_path)))


@pytest.fixture
def browser(world: World, log: Log, tmp_path: Path) -> Iterator[Browser]:
    """The account's routes over HTTP."""
    said, issuer = settings(tmp_path), IssuerKeys()
    authenticator = Authenticator(issuer=said.issuer, public_url=said.public_url, keys=issuer, clock=SystemClock())
    app = service_app(said, account_api.blueprints(log), dict, authenticator=authenticator)
    app.extensions[signed_in.EXTENSION] = world.all
    yield Browser(app, issuer)


def export(browser: Browser, member: Member = PHYSICIAN, query: str = "") -> dict[str, Any]:
    answered = browser.ask("GET", ACCOUNT + query, member)
    assert answered.status_code == 200, answered.data
    return dict(answered.get_json())


def verified(page: dict[str, Any], key: VerifierKey) -> list[dict[str, Any] | None]:
    """The events of a whole export, None where a line is blinded: everything checked that can be."""
    assert page["log_key"] == key.encode()
    checkpoint = Checkpoint.parse(verify_note(page["checkpoint"], key))
    count = AccountCount.parse(verify_note(page["count"], key))
    assert count == AccountCount(PATIENT, page["last"], checkpoint.size)
    assert [each["n"] for each in page["lines"]] == list(range(1, page["last"] + 1))
    for each in page["lines"]:
        proof = [from_base64url(step) for step in each["proof"]]
        if "event" in each:
            assert json.loads(each["event"])["data"]["n"] == each["n"]
            data = leaf_data(from_base64url(each["salt"]), each["event"].encode())
        else:
            data = from_base64url(each["leaf"])
        merkle.verify_inclusion(merkle.leaf_hash(data), each["index"], checkpoint.size, proof, checkpoint.root)
    return [json.loads(each["event"])["data"] if "event" in each else None for each in page["lines"]]


def test_a_party_sees_every_line_of_their_consent_with_its_proof(world: World, browser: Browser, log: Log) -> None:
    consent = world.active()
    told = [line(n, consent) for n in (1, 2, 3)]
    tell(world, [told[0], line(1, patient=OTHER), *told[1:]])
    assert verified(export(browser), log.key.verifier) == [each.data for each in told]
    page = export(browser, COLLEAGUE)
    assert [each["event"].encode() for each in page["lines"]] == [each.encode() for each in told]
    assert [each["index"] for each in page["lines"]] == [0, 2, 3]


def test_lines_of_a_consent_between_others_are_there_but_blinded(world: World, browser: Browser, log: Log) -> None:
    own = world.active()
    other = world.active(replace(TERMS, recipient=practitioner(STRANGER)))
    tell(world, [line(1, own), line(2, other), line(3, uuid4()), line(4, own)])
    page = export(browser, PSYCHOLOGIST)
    seen = verified(page, log.key.verifier)
    assert [each is not None for each in seen] == [True, False, False, True]
    assert set(page["lines"][1]) == {"n", "index", "leaf", "proof"}
    assert str(other) not in json.dumps(page)
    both = verified(export(browser, PHYSICIAN), log.key.verifier)
    assert [each is not None for each in both] == [True, True, False, True]


def test_a_refusal_is_read_by_the_side_that_was_refused_and_by_nobody_else(
    world: World, browser: Browser, log: Log
) -> None:
    """A letter that was refused was disclosed to nobody: its labels would tell what was just kept back."""
    consent = world.active()
    said = {"type_": REFUSED, "sensitivity": ["hiv"], "reason": "restricted"}
    side = {"sender_organization": str(PHYSICIAN.organization)}
    tell(world, [line(1, consent), line(2, consent, **said, **side), line(3, consent, **said)])
    assert [each is not None for each in verified(export(browser, PSYCHOLOGIST), log.key.verifier)] == [
        True,
        False,
        False,
    ]
    assert "hiv" not in json.dumps(export(browser, PSYCHOLOGIST))
    assert [each is not None for each in verified(export(browser, PHYSICIAN), log.key.verifier)] == [True, True, True]
    assert all(each.event is not None for each in log.export(Patient(PATIENT), PATIENT, None, 0, 100).lines)
    for member, count in ((PSYCHOLOGIST, 1), (COLLEAGUE, 1), (PHYSICIAN, 3)):
        assert len(account.page(world.all, member, consent, 0, 100)) == count


@given(
    st.sampled_from([PHYSICIAN, PSYCHOLOGIST, COLLEAGUE, STRANGER]),
    st.sampled_from(["released", "refused", "handed-out", "opened"]),
    st.sampled_from([PHYSICIAN, PSYCHOLOGIST, COLLEAGUE, STRANGER]),
    st.booleans(),
    st.booleans(),
)
def test_nobody_reads_a_refusal_of_another_organization(
    reader: Member, event: str, sender: Member, known: bool, own: bool
) -> None:
    consent = UUID(int=7)
    happened = Happening(event, consent, sender.practitioner, sender.organization if known else None)
    seen = sees(reader, {consent} if own else set(), happened)
    if event == "refused":
        assert seen == (own and (reader == sender or (known and reader.organization == sender.organization)))
    else:
        assert seen == own


def test_the_patient_sees_every_line(world: World, log: Log) -> None:
    tell(world, [line(1, world.active()), line(2, uuid4())])
    page = log.export(Patient(PATIENT), PATIENT, None, 0, 100)
    assert all(each.event is not None for each in page.lines)
    with pytest.raises(Problem):
        log.export(Patient(OTHER), PATIENT, None, 0, 100)


def test_an_erased_line_is_blinded_and_still_proven(world: World, browser: Browser, log: Log) -> None:
    consent = world.active()
    tell(world, [line(n, consent) for n in (1, 2, 3)])
    with world.database.transaction() as session:
        account.erase(session, PATIENT, 2, world.clock.now())
    assert [each is None for each in verified(export(browser), log.key.verifier)] == [False, True, False]


def test_a_stranger_cannot_tell_an_account_from_none(world: World, browser: Browser) -> None:
    tell(world, [line(1, world.active())])
    refused = browser.ask("GET", ACCOUNT, STRANGER)
    unknown = browser.ask("GET", f"/v1/patients/{OTHER}/account", STRANGER)
    assert (refused.status_code, refused.data) == (404, unknown.data)
    assert browser.unsigned("GET", ACCOUNT).status_code == 401


def test_pages_of_one_export_stand_under_one_checkpoint(world: World, browser: Browser, log: Log) -> None:
    """Whatever is recorded in between belongs to the next export."""
    consent = world.active()
    tell(world, [line(n, consent) for n in range(1, 6)])
    first = export(browser, query="?limit=2")
    tell(world, [line(n, consent) for n in (6, 7)])
    size = Checkpoint.parse(verify_note(first["checkpoint"], log.key.verifier)).size
    pages = [first]
    while pages[-1]["next"] is not None:
        pages.append(export(browser, query=f"?limit=2&size={size}&after={pages[-1]['next']}"))
    assert {(page["checkpoint"], page["count"]) for page in pages} == {(first["checkpoint"], first["count"])}
    whole = first | {"lines": [each for page in pages for each in page["lines"]]}
    assert len(verified(whole, log.key.verifier)) == 5
    assert len(verified(export(browser), log.key.verifier)) == 7


def test_a_patient_without_lines_has_an_empty_account(world: World, browser: Browser, log: Log) -> None:
    world.active()
    page = export(browser)
    assert (page["last"], page["next"], verified(page, log.key.verifier)) == (0, None, [])


def test_lines_from_before_the_numbers_are_no_part_of_an_export(world: World, browser: Browser) -> None:
    consent = world.active()
    event = line(1, consent)
    old = event.model_copy(update={"data": {name: each for name, each in event.data.items() if name != "n"}})
    tell(world, [old])
    assert export(browser)["lines"] == []


@pytest.mark.parametrize(
    "query", ["?size=99", "?size=-1", "?after=x", "?limit=0", "?limit=201", "?more=1", "?after=1e9"]
)
def test_a_question_in_another_form_is_refused(world: World, browser: Browser, query: str) -> None:
    world.active()
    assert browser.ask("GET", ACCOUNT + query).status_code == 422


@pytest.mark.parametrize("token", ["Jane", "pt_", "pt_" + "A" * 26, "pt_" + "a" * 27])
def test_a_patient_is_a_token(browser: Browser, token: str) -> None:
    assert browser.ask("GET", f"/v1/patients/{token}/account").status_code == 422


def test_anybody_may_see_key_and_checkpoint_and_that_the_log_only_grew(
    world: World, browser: Browser, log: Log
) -> None:
    tell(world, [line(1), line(2)])
    key = VerifierKey.decode(browser.unsigned("GET", "/v1/account/key").text.strip())
    assert key == log.key.verifier
    earlier = Checkpoint.parse(verify_note(browser.unsigned("GET", "/v1/account/checkpoint").text, key))
    tell(world, [line(n) for n in range(3, 8)])
    later = Checkpoint.parse(verify_note(browser.unsigned("GET", "/v1/account/checkpoint").text, key))
    answered = browser.unsigned("GET", f"/v1/account/consistency?size1={earlier.size}&size2={later.size}")
    proof = [from_base64url(each) for each in answered.get_json()["proof"]]
    merkle.verify_consistency(earlier.size, earlier.root, later.size, later.root, proof)
    assert (earlier.size, later.size) == (2, 7)


@pytest.mark.parametrize("query", ["", "?size1=2", "?size1=2&size2=1", "?size1=0&size2=3", "?size1=-1&size2=2"])
def test_a_log_that_never_was_has_no_proof(world: World, browser: Browser, query: str) -> None:
    tell(world, [line(1), line(2)])
    assert browser.unsigned("GET", f"/v1/account/consistency{query}").status_code == 422


def test_a_key_file_is_made_once_and_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "account.jwk"
    make_account_key(path)
    made = path.read_text()
    make_account_key(path)
    assert path.read_text() == made
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(ValueError, match="CONCORD_ACCOUNT_KEY_FILE"):
        AccountKey.from_settings(settings(tmp_path).model_copy(update={"account_key_file": None}))


def test_a_line_is_of_its_consents_parties_whatever_version_it_cites(world: World, browser: Browser, log: Log) -> None:
    """Also one of a version that never was: refusals cite what their sender made up."""
    tell(world, [line(1, UUID(str(world.active())), consent_version=99)])
    assert verified(export(browser), log.key.verifier) != [None]
