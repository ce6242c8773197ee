"""The patient's own page: what it shows, what it does, and what it never does."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from services.chassis.event import Event
from services.chassis.problems import Problem
from services.consent import neutral_names, usecases
from services.consent.models import GuessRow, PatientCodeRow, PatientSessionRow, VersionRow
from services.consent.patient_page import codes
from services.consent.patient_page.sessions import IDLE
from services.consent.rules.patient_codes import GUESSES, GUESSING_WINDOW, make_code
from services.consent.rules.standing import Member
from tests.unit.consent.examples import COLLEAGUE, PATIENT, PHYSICIAN, PSYCHOLOGIST, STRANGER, TERMS, practitioner
from tests.unit.consent.patient_page.conftest import HARBOR, Reader
from tests.unit.consent.world import type_of

OTHER = "pt_" + "b" * 26


def test_the_page_shows_what_is_in_use_in_plain_words(reader: Reader) -> None:
    reader.world.active()
    page = reader.signed_in().get("/consents").text
    assert "Dr. Ana Whitfield, Riverside &lt;Family&gt; Medicine may share with" in page
    assert "medications: medicines, doses" in page
    assert "mental health and behavioral health" in page
    assert PATIENT not in page


def test_only_ways_that_were_accepted_are_shown(reader: Reader) -> None:
    """The text is mutual; one side has accepted."""
    reader.world.active()
    assert reader.signed_in().get("/consents").text.count("may share with") == 1


def test_a_draft_is_no_consent_yet(reader: Reader) -> None:
    reader.world.ready()
    assert "There is no permission in use." in reader.signed_in().get("/consents").text


def test_the_page_speaks_spanish_to_whoever_asks_and_stays_so(reader: Reader) -> None:
    reader.world.active()
    reader.signed_in()
    assert '<html lang="es">' in reader.get("/consents", headers={"Accept-Language": "es-MX,es;q=0.9"}).text
    assert "Detener este permiso" in reader.get("/consents?lang=es").text
    assert "puede compartir con" in reader.get("/consents").text
    assert '<html lang="en">' in reader.get("/consents?lang=<script>").text


def test_revoking_takes_a_confirmation_and_gives_a_receipt(reader: Reader) -> None:
    consent = reader.world.active()
    reader.signed_in()
    asked = reader.get(f"/consents/{consent}/revoke")
    assert "Stop this permission?" in asked.text
    assert reader.world.statuses(consent) == ["active"]
    done = reader.send(f"/consents/{consent}/revoke", f"/consents/{consent}/revoke")
    assert (done.status_code, done.headers["Location"]) == (303, f"/consent/patient/consents/{consent}/receipt")
    receipt = reader.get(f"/consents/{consent}/receipt").text
    assert "Nothing has left under it anywhere since" in receipt
    assert str(consent) in receipt
    row = usecases.show(reader.world.all, PHYSICIAN, consent).consent
    assert (row.revoked_as, row.revoked_by) == ("patient", None)


def test_a_revocation_that_does_not_hold_everywhere_yet_says_so(reader: Reader) -> None:
    consent = reader.world.active()
    reader.signed_in()
    reader.world.barrier.holds = False
    reader.send(f"/consents/{consent}/revoke", f"/consents/{consent}/revoke")
    receipt = reader.get(f"/consents/{consent}/receipt").text
    assert 'http-equiv="refresh"' in receipt
    assert "Nothing has left under it" not in receipt


def test_revoking_twice_is_one_revocation(reader: Reader) -> None:
    consent = reader.world.active()
    reader.signed_in()
    first = reader.send(f"/consents/{consent}/revoke")
    told = len(reader.world.told())
    assert reader.send(f"/consents/{consent}/revoke").status_code == first.status_code == 303
    assert len(reader.world.told()) == told


def test_a_receipt_of_what_was_not_revoked_asks_first(reader: Reader) -> None:
    consent = reader.world.active()
    assert reader.signed_in().get(f"/consents/{consent}/receipt").headers["Location"].endswith("/revoke")


def test_another_patient_s_consent_is_not_there(reader: Reader) -> None:
    reader.world.active()
    other = reader.world.active(replace(TERMS, patient=OTHER))
    reader.signed_in()
    for path in ("revoke", "receipt"):
        assert reader.get(f"/consents/{other}/{path}").status_code == 404
    assert reader.send(f"/consents/{other}/revoke").status_code == 404
    assert reader.world.statuses(other) == ["active"]
    assert reader.get(f"/consents/{uuid4()}/revoke").status_code == 404


def test_the_account_says_who_received_what_and_when(reader: Reader) -> None:
    consent = reader.world.active()
    reader.happened("released", consent, 1)
    reader.happened("refused", consent, 2, reason="label-not-covered")
    reader.happened("released", consent, 3, basis="emergency", purpose="emergency")
    reader.happened("released", consent, 4, information=["a-later-word"], purpose="a-later-one")
    page = reader.signed_in().get("/account").text
    assert page.index('value="4"') < page.index('value="1"')
    assert "Dr. Ana Whitfield, Riverside &lt;Family&gt; Medicine sent information to" in page
    assert "Medical emergency" in page
    assert "Nothing was shared." in page
    assert "medicines, doses" in page
    assert "November 23, 2026, 12:00 UTC" in page


def test_the_account_says_in_whose_name_somebody_wrote(reader: Reader) -> None:
    consent = reader.world.active()
    data = {"on_behalf_of": str(PSYCHOLOGIST.practitioner), "n": 1}
    event = Event.create("messaging", "care.concord.messaging.letter-released.v1", data, time=reader.world.clock.now())
    reader.happened("released", consent, 1, body=event.encode())
    reader.happened("released", consent, 2)
    page = reader.signed_in().get("/account").text
    assert page.count(" wrote on behalf of ") == 1
    assert "Dr. Ana Whitfield, Riverside &lt;Family&gt; Medicine wrote on behalf of " in page


@pytest.mark.parametrize(
    ("event", "delegator", "said"),
    [
        ("refused", PSYCHOLOGIST.practitioner, " wanted to write on behalf of "),
        ("released", UUID(int=1), "wrote on behalf of somebody who has left"),
    ],
    ids=["a-claim-that-was-refused", "a-delegator-nobody-knows-any-more"],
)
def test_the_account_says_no_more_than_is_true_and_leaves_nothing_out(
    reader: Reader, event: str, delegator: UUID, said: str
) -> None:
    consent = reader.world.active()
    data = {"on_behalf_of": str(delegator), "n": 1}
    told = Event.create("messaging", f"care.concord.messaging.letter-{event}.v1", data, time=reader.world.clock.now())
    reader.happened(event, consent, 1, body=told.encode())
    page = reader.signed_in().get("/account").text
    assert said in page
    assert page.count("on behalf of") == 1


def test_a_long_account_comes_in_pages(reader: Reader) -> None:
    consent = reader.world.active()
    for n in range(1, 61):
        reader.happened("opened", consent, n)
    reader.signed_in()
    first = reader.get("/account").text
    older = re.search(r"account\?before=(\d+)", first)
    assert older is not None
    assert older[1] == "11"
    assert "before=" not in reader.get("/account?before=11").text
    assert reader.get("/account?before=nonsense").status_code == 200


def test_a_neutral_name_takes_the_place_of_the_program_and_its_people(reader: Reader) -> None:
    administrator = Member(uuid4(), PSYCHOLOGIST.organization)
    organization = PSYCHOLOGIST.organization
    neutral_names.put(reader.world.all, administrator, "administrator", organization, "Harbor <b>Health</b>")
    consent = reader.world.active()
    reader.happened("released", consent, 1)
    reader.signed_in()
    for path in ("/consents", "/account"):
        page = reader.get(path).text
        assert HARBOR not in page
        assert "Haddad" not in page
        assert "Harbor &lt;b&gt;Health&lt;/b&gt;" in page


def test_only_its_own_administrators_name_an_organization(reader: Reader) -> None:
    for member, role in ((PSYCHOLOGIST, "practitioner"), (PHYSICIAN, "administrator")):
        with pytest.raises(Problem) as refused:
            neutral_names.put(reader.world.all, member, role, PSYCHOLOGIST.organization, "x")
        assert type_of(refused.value) == "administrator-only"


def test_a_code_is_for_a_party_to_issue_and_for_nobody_else(reader: Reader) -> None:
    reader.world.active()
    for member, patient in ((STRANGER, PATIENT), (PHYSICIAN, OTHER)):
        with pytest.raises(Problem) as refused:
            codes.issue(reader.world.all, member, patient)
        assert refused.value.status == 404
        with pytest.raises(Problem):
            codes.cancel(reader.world.all, member, patient)


def test_a_code_opens_what_its_giver_may_see_and_no_more(reader: Reader) -> None:
    """Whoever prints a code has read it: it must not show a psychologist that a program treats the patient as well."""
    own = reader.world.active()
    other = reader.world.active(replace(TERMS, recipient=practitioner(STRANGER)))
    reader.happened("released", own, 1)
    reader.happened("released", other, 2)
    reader.happened("refused", own, 3)
    assert reader.enter(codes.issue(reader.world.all, PSYCHOLOGIST, PATIENT)).status_code == 303
    page = reader.get("/consents").text
    assert str(own) in page
    assert "came from Dr. Noor Haddad" in page
    assert str(other) not in page
    assert re.findall(r'<li value="(\d+)">', reader.get("/account").text) == ["1"]
    assert reader.get(f"/consents/{other}/revoke").status_code == 404
    assert reader.send(f"/consents/{other}/revoke").status_code == 404
    assert reader.world.statuses(other) == ["active"]
    assert reader.send("/code/rotate").status_code == 200
    assert str(other) not in reader.get("/consents").text
    assert reader.enter(reader.code()).status_code == 303
    page = reader.get("/consents").text
    assert str(own) in page
    assert str(other) in page
    assert re.findall(r'<li value="(\d+)">', reader.get("/account").text) == ["3", "2", "1"]


def test_a_draft_about_somebody_elses_patient_opens_nothing_of_theirs(reader: Reader) -> None:
    """Whoever learns a token can draft a consent for it, and so be a party."""
    reader.world.active()
    terms = replace(TERMS, discloser=practitioner(STRANGER), recipient=practitioner(PSYCHOLOGIST))
    reader.world.draft(terms, STRANGER)
    assert reader.enter(codes.issue(reader.world.all, STRANGER, PATIENT)).status_code == 303
    assert "There is no permission in use" in reader.get("/consents").text
    assert "Nothing was shared yet" in reader.get("/account").text


def test_the_codes_of_two_givers_stand_side_by_side(reader: Reader) -> None:
    reader.world.active()
    first, second = reader.code(), codes.issue(reader.world.all, PSYCHOLOGIST, PATIENT)
    assert reader.enter(first).status_code == 303
    codes.cancel(reader.world.all, COLLEAGUE, PATIENT)
    assert reader.enter(second).status_code == 422
    assert reader.enter(first).status_code == 303


def test_a_code_is_kept_nowhere(reader: Reader) -> None:
    reader.world.active()
    code = reader.code()
    reader.enter(code)
    with reader.world.database.transaction() as session:
        columns = (PatientCodeRow.code_sha256, PatientSessionRow.cookie_sha256)
        kept = [each for column in columns for each in session.scalars(select(column))]
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in kept)
    assert code not in kept


def test_a_new_code_ends_the_old_one_and_its_sessions(reader: Reader) -> None:
    reader.world.active()
    old = reader.code()
    reader.enter(old)
    reader.code()
    assert reader.get("/consents").status_code == 401
    assert reader.enter(old).status_code == 422


def test_the_patient_changes_the_code_and_sees_the_new_one_once(reader: Reader) -> None:
    reader.world.active()
    old = reader.code()
    reader.enter(old)
    shown = re.search(r"<strong>([0-9A-Z-]{27})</strong>", reader.send("/code/rotate").text)
    assert shown is not None
    assert shown[1] not in reader.get("/code").text
    assert reader.get("/consents").status_code == 200
    assert reader.enter(old).status_code == 422
    assert reader.enter(shown[1]).status_code == 303


def test_a_cancelled_code_opens_nothing(reader: Reader) -> None:
    reader.world.active()
    code = reader.code()
    reader.enter(code)
    assert "is canceled" in reader.send("/code/cancel").text
    assert reader.get("/consents").status_code == 401
    assert reader.enter(code).status_code == 422


def test_unknown_changed_and_cancelled_codes_read_the_same(reader: Reader) -> None:
    reader.world.active()
    changed = reader.code()
    cancelled = reader.code()
    codes.cancel(reader.world.all, PHYSICIAN, PATIENT)
    answers = {reader.enter(code).data for code in (changed, cancelled, make_code(bytes(16)))}
    assert len({re.sub(rb'value="[^"]*"', b"", each) for each in answers}) == 1


def test_a_slip_is_told_and_is_no_guess(reader: Reader) -> None:
    for _ in range(GUESSES + 5):
        assert "is not right" in reader.enter("ABCD-1234").text
    with reader.world.database.transaction() as session:
        assert session.scalars(select(GuessRow)).all() == []


def test_who_guesses_is_stopped_and_nobody_else_is(reader: Reader) -> None:
    reader.world.active()
    right = reader.code()
    attacker = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    for n in range(GUESSES):
        assert reader.enter(make_code(n.to_bytes(16, "big")), **attacker).status_code == 422
    assert reader.enter(right, **attacker).status_code == 429
    assert reader.enter(right).status_code == 303
    reader.world.clock.pass_(GUESSING_WINDOW.total_seconds() + 1)
    assert reader.enter(right, **attacker).status_code == 303


def test_a_client_cannot_lend_itself_another_address(reader: Reader) -> None:
    """Without a gateway the header is anybody's word."""
    for n in range(GUESSES):
        reader.enter(make_code(n.to_bytes(16, "big")), headers={"X-Forwarded-For": f"198.51.100.{n}"})
    assert reader.enter(make_code(bytes(16))).status_code == 429


def test_a_page_that_lies_open_closes_itself(reader: Reader) -> None:
    reader.world.active()
    reader.signed_in()
    reader.world.clock.pass_(IDLE.total_seconds() - 1)
    assert reader.get("/consents").status_code == 200
    reader.world.clock.pass_(IDLE.total_seconds() + 1)
    closed = reader.get("/consents")
    assert closed.status_code == 401
    assert "open for too long" in closed.text


def test_signing_out_ends_the_session_itself(reader: Reader) -> None:
    reader.world.active()
    reader.signed_in()
    cookie = reader.client.get_cookie("concord_patient", domain="concord.test", path="/consent/patient")
    assert cookie is not None
    assert reader.send("/sign-out").headers["Location"].endswith("?out=1")
    assert reader.get("/consents", headers={"Cookie": f"concord_patient={cookie.value}"}).status_code == 401


FORMS = ["/code/rotate", "/code/cancel", "/sign-out", f"/consents/{TERMS.discloser.id}/revoke"]


@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_nobody_s_page_does_nothing(reader: Reader, path: str) -> None:
    reader.world.active()
    reader.signed_in()
    for csrf in ("", "x" * 43, "<script>"):
        assert reader.post(path, data={"csrf": csrf}).status_code == 400
    assert reader.get("/consents").status_code == 200


def test_the_form_token_of_another_session_does_nothing(reader: Reader) -> None:
    reader.world.active()
    reader.signed_in()
    theirs = re.search(r'name="csrf" value="([^"]+)"', reader.get("/code").text)
    assert theirs is not None
    reader.signed_in()
    assert reader.post("/code/cancel", data={"csrf": theirs[1]}).status_code == 400


def test_a_code_is_not_taken_from_a_form_elsewhere(reader: Reader) -> None:
    reader.world.active()
    code = reader.code()
    assert reader.post("/session", data={"code": code, "once": "guessed"}).status_code == 400
    assert reader.get("/consents").status_code == 401


def test_a_code_in_an_address_is_not_looked_at(reader: Reader) -> None:
    reader.world.active()
    reader.get(f"?code={reader.code()}")
    assert reader.get("/consents").status_code == 401


@pytest.mark.parametrize("path", ["", "/consents", "/account", "/code"])
def test_every_page_is_closed_to_scripts_frames_caches_and_referrers(reader: Reader, path: str) -> None:
    reader.world.active()
    headers = reader.signed_in().get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_cookies_are_for_the_pages_alone(reader: Reader) -> None:
    reader.world.active()
    (cookie,) = reader.enter(reader.code()).headers.getlist("Set-Cookie")
    for word in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/consent/patient"):
        assert word in cookie


@pytest.mark.parametrize("cookie", ["", "x", "é" * 40, "\x00", "../../etc", "a" * 4000])
def test_an_absurd_cookie_is_nobody(reader: Reader, cookie: str) -> None:
    assert reader.get("/consents", headers={"Cookie": f"concord_patient={cookie}"}).status_code == 401


def test_without_the_directory_nothing_is_shown_and_revoking_still_works(reader: Reader) -> None:
    consent = reader.world.active()
    reader.signed_in()
    form = reader.get("/code").text
    reader.directory.away = True
    assert reader.get("/consents").status_code == 503
    csrf = re.search(r'name="csrf" value="([^"]+)"', form)
    assert csrf is not None
    assert reader.post(f"/consents/{consent}/revoke", data={"csrf": csrf[1]}).status_code == 303
    assert reader.world.statuses(consent) == ["revoked"]


def test_a_consent_that_is_deficient_is_not_in_use(reader: Reader) -> None:
    reader.world.active()
    with reader.world.database.transaction() as session:
        session.execute(update(VersionRow).values(evidence_statements=[]))
    assert "something the law asks for is missing" in reader.signed_in().get("/consents").text


def test_both_languages_have_the_same_texts() -> None:
    from services.consent.patient_page.texts import texts  # noqa: PLC0415 - of its data

    english, spanish = (texts(language)._tables for language in ("en", "es"))
    assert {(table, key) for table, keys in english.items() for key in keys} == {
        (table, key) for table, keys in spanish.items() for key in keys
    }
