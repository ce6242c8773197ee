"""How somebody comes in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.identity_checks import Checked
from concord_formats.key_entries import EntryKind, SignedEntry
from sqlalchemy import text

from services.directory import enrolment, key_log
from services.directory.finding import listings
from services.directory.identity import by_operator
from tests.unit.directory.account import Account, TestDevice, body_of, read_code, tampered
from tests.unit.directory.house import House, Person, problem

NPI = "1234567893"  # the example of the NPI final rule: its check digit is right
INVITATION = {"role": "practitioner", "name": "Pia Practice", "npi": NPI, "taxonomy": "103TC0700X"}


def invited(admin: Person, **changed: Any) -> dict[str, str]:
    """What the code of a new invitation holds."""
    answer = admin.request("POST", "/v1/invitations", json=admin.invitation(**(INVITATION | changed)))
    assert answer.status_code == 201, answer.data
    return read_code(answer.get_json()["code"])


def enrol(house: House, code: dict[str, str], signed: SignedEntry, **changed: str) -> Any:
    """The answer to an enrolment."""
    body = {"practitioner": code["practitioner"], "secret": code["secret"]} | body_of(signed) | changed
    return house.client.post("/v1/enrolments", json=body)


def test_an_invited_person_enrols_and_is_active(house: House, admin: Person) -> None:
    code = invited(admin)
    assert code["base_url"] == "http://concord.test"
    account, device = Account(UUID(code["practitioner"])), TestDevice()
    before = admin.request("GET", f"/v1/practitioners/{account.id}").get_json()
    assert before["status"] == "invited"
    answer = enrol(house, code, account.first_entry(device))
    assert answer.status_code == 201
    assert answer.get_json() == {
        "id": str(account.id),
        "role": "practitioner",
        "name": "Pia Practice",
        "npi": NPI,
        "taxonomy": "103TC0700X",
        "organization": {"id": str(admin.organization), "name": "North Clinic"},
        "status": "active",
    }


def test_an_enrolment_is_told_with_its_device(house: House, admin: Person) -> None:
    code = invited(admin)
    account, device = Account(UUID(code["practitioner"])), TestDevice()
    enrol(house, code, account.first_entry(device))
    registered, added = house.events()[-2:]
    assert registered.type == "care.concord.directory.practitioner-registered.v1"
    assert registered.data == {
        "practitioner": str(account.id),
        "organization": str(admin.organization),
        "status": "active",
    }
    assert added.type == "care.concord.directory.device-registered.v1"
    thumbprint = device.authentication.thumbprint()
    assert added.data == {"device": str(device.id), "practitioner": str(account.id), "jkt": thumbprint}
    assert (registered.sequence or 0) + 1 == added.sequence


def test_the_secret_of_an_invitation_is_not_stored(house: House, admin: Person) -> None:
    code = invited(admin)
    with house.database.transaction() as session:
        rows = session.execute(text("SELECT * FROM invitation")).all()
    assert rows
    assert code["secret"] not in repr(rows)


@pytest.mark.parametrize("wrong", ["secret", "practitioner", "used", "expired"])
def test_every_refused_invitation_reads_the_same(house: House, admin: Person, wrong: str) -> None:
    """Whoever tries secrets learns nothing from the answer."""
    code = invited(admin)
    account = Account(UUID(code["practitioner"]))
    signed = account.first_entry(TestDevice())
    changed = {}
    if wrong == "secret":
        changed = {"secret": "x" * 43}
    elif wrong == "practitioner":
        changed = {"practitioner": str(uuid4())}
    elif wrong == "used":
        assert enrol(house, code, signed).status_code == 201
        signed = Account(account.id).first_entry(TestDevice())
    else:
        house.clock.pass_(timedelta(days=7).total_seconds())
    answer = enrol(house, code, signed, **changed)
    assert problem(answer) == (403, "invitation-refused")
    assert answer.get_json() == {
        "type": "urn:concord:problem:invitation-refused",
        "title": "Invitation not accepted",
        "status": 403,
        "detail": "The invitation is unknown, used or expired, or who invited is suspended, or their device revoked. "
        "Ask the administrator of your organization for a new one.",
    }


def test_an_enrolment_whose_answer_was_lost_may_be_repeated(house: House, admin: Person) -> None:
    code = invited(admin)
    signed = Account(UUID(code["practitioner"])).first_entry(TestDevice())
    first = enrol(house, code, signed)
    told = house.spoken()
    again = enrol(house, code, signed)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert house.spoken() == told


def test_a_repeated_enrolment_still_needs_the_secret(house: House, admin: Person) -> None:
    code = invited(admin)
    signed = Account(UUID(code["practitioner"])).first_entry(TestDevice())
    enrol(house, code, signed)
    assert problem(enrol(house, code, signed, secret="x" * 43)) == (403, "invitation-refused")


def test_a_first_entry_that_breaks_the_rules_uses_up_nothing(house: House, admin: Person) -> None:
    code = invited(admin)
    account = Account(UUID(code["practitioner"]))
    device = TestDevice()
    wrong = [
        tampered(account.first_entry(device)),
        Account(uuid4()).first_entry(device),
        account.first_entry(),
        account.first_entry(device, n=2),
        account.first_entry(device, kind=EntryKind.KEYS_CHANGED),
        account.first_entry(device, previous="0" * 64),
        account.first_entry(device, devices=(device.public.model_copy(update={"authentication": "A" * 44}),)),
        SignedEntry(b"{}", b"x"),
        SignedEntry(b"\xff" * 50, b"x" * 3373),
    ]
    for signed in wrong:
        assert problem(enrol(house, code, signed)) == (422, "invalid-key-entry"), signed.entry[:80]
    assert "practitioner-registered" not in house.spoken()[2:]
    assert enrol(house, code, account.first_entry(device)).status_code == 201


def test_a_device_belongs_to_one_account(house: House, admin: Person) -> None:
    """Neither its id nor its key may be claimed by somebody else."""
    code = invited(admin)
    account = Account(UUID(code["practitioner"]))
    stolen_key = TestDevice(authentication=admin.device.authentication)
    assert problem(enrol(house, code, account.first_entry(stolen_key))) == (409, "key-entry-conflict")
    stolen_id = TestDevice(id=admin.device.id)
    assert problem(enrol(house, code, account.first_entry(stolen_id))) == (409, "key-entry-conflict")
    assert enrol(house, code, account.first_entry(TestDevice())).status_code == 201


def test_a_practitioner_cannot_invite(house: House, admin: Person) -> None:
    practitioner = house.practitioner(admin)
    answer = practitioner.request("POST", "/v1/invitations", json=practitioner.invitation(**INVITATION))
    assert problem(answer) == (403, "administrator-only")


def test_inviting_again_replaces_the_invitation(house: House, admin: Person) -> None:
    """The person stays the same account, and the older code is void."""
    first, second = invited(admin), invited(admin, name="Pia Married")
    assert first["practitioner"] == second["practitioner"]
    signed = Account(UUID(first["practitioner"])).first_entry(TestDevice())
    assert problem(enrol(house, first, signed)) == (403, "invitation-refused")
    answer = enrol(house, second, signed)
    assert answer.get_json()["name"] == "Pia Married"


def test_an_npi_is_enrolled_once_in_an_organization(house: House, admin: Person) -> None:
    code = invited(admin)
    enrol(house, code, Account(UUID(code["practitioner"])).first_entry(TestDevice()))
    answer = admin.request("POST", "/v1/invitations", json=admin.invitation(**INVITATION))
    assert problem(answer) == (409, "npi-taken")


def test_whom_a_suspended_administrator_invited_stays_out_meanwhile(house: House, admin: Person) -> None:
    """Who was stopped for good reason left no door open: their invitations are good for a week otherwise."""
    other = house.administrator(admin.organization)
    code = invited(admin)
    signed = Account(UUID(code["practitioner"])).first_entry(TestDevice())
    other.request("POST", f"/v1/practitioners/{admin.id}/suspension")
    assert problem(enrol(house, code, signed)) == (403, "invitation-refused")
    other.request("DELETE", f"/v1/practitioners/{admin.id}/suspension")
    assert enrol(house, code, signed).status_code == 201
    other.request("POST", f"/v1/practitioners/{admin.id}/suspension")
    assert enrol(house, code, signed).status_code == 201, "the answer was lost; who is in, is in"


def test_whom_a_stolen_device_invited_stays_out(house: House, admin: Person) -> None:
    other = house.administrator(admin.organization)
    code = invited(admin)
    other.request("POST", f"/v1/devices/{admin.device.id}/revocation")
    signed = Account(UUID(code["practitioner"])).first_entry(TestDevice())
    assert problem(enrol(house, code, signed)) == (403, "invitation-refused")
    assert enrol(house, invited(other), signed).status_code == 201, "another administrator invites them again"


def test_the_key_log_is_locked_for_nothing_else(house: House, admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every enrolment waits for the log: what else is written is written before."""
    code, order = invited(admin), []
    for module, name in ((listings, "of_account"), (key_log, "record")):
        act = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given, act=act, name=name, **more: (order.append(name), act(*given, **more))[1]
        )
    assert enrol(house, code, Account(UUID(code["practitioner"])).first_entry(TestDevice())).status_code == 201
    assert order == ["of_account", "record"]


def test_a_person_may_work_in_two_organizations(house: House, admin: Person) -> None:
    other = house.administrator(enrolment.add_organization(house.deps, "South Clinic"))
    assert invited(admin)["practitioner"] != invited(other)["practitioner"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"npi": "1234567890"}, "npi"),
        ({"npi": "123456789"}, "npi"),
        ({"npi": "１２３４５６７８９３"}, "npi"),
        ({"taxonomy": "103tc0700x"}, "taxonomy"),
        ({"taxonomy": "103TC07001"}, "taxonomy"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "Pia\u0000"}, "name"),
        ({"name": "Pia\u202eecitcarP"}, "name"),
        ({"role": "operator"}, "role"),
        ({"organization": str(uuid4())}, "organization"),
    ],
)
def test_a_wrong_member_of_an_invitation_is_named(admin: Person, changed: dict[str, str], field: str) -> None:
    answer = admin.request("POST", "/v1/invitations", json=admin.invitation(**INVITATION) | changed)
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), field)


def test_an_invitation_is_good_for_seven_days(house: House, admin: Person) -> None:
    answer = admin.request("POST", "/v1/invitations", json=admin.invitation(**INVITATION))
    expires = datetime.fromisoformat(answer.get_json()["expires_at"])
    assert expires == house.clock.now() + timedelta(days=7)


def test_the_operator_names_an_organization_that_exists(house: House) -> None:
    checked = by_operator(house.deps, Checked.KNOWN_IN_PERSON, None)
    with pytest.raises(Exception, match="not-found"):
        enrolment.invite_administrator(house.deps, uuid4(), "Ada Admin", checked)


def test_a_name_is_kept_without_needless_spaces(house: House, admin: Person) -> None:
    made = admin.invites("  Pia   Practice ")
    shown = admin.request("GET", f"/v1/practitioners/{made.practitioner}").get_json()
    assert shown["name"] == "Pia Practice"
