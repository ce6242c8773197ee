"""A town of people who can be found, and what each question in FHIR finds there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from tests.unit.directory.fhir_answers import ADDICTION, CLINIC_NPI, NPI, PSYCHOLOGIST, listed
from tests.unit.directory.house import House, Person

NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
OTHER_NPI = "1245319599"


@dataclass(frozen=True)
class Town:
    """Who is there."""

    house: House
    admin: Person
    asker: Person
    ana: Person
    hidden: Person
    suspended: Person
    jose: UUID
    hill: UUID
    department: str


def build(house: House) -> Town:
    """Two organizations; people of the national list beside them."""
    admin, asker = house.administrator(), house.administrator()
    ana, hidden, suspended = (house.practitioner(admin, name, npi) for name, npi in _ENROLLED)
    told = {"specialties": [PSYCHOLOGIST], "city": "Springfield", "state": "MA", "postal_code": "01103"}
    for person in (ana, hidden, suspended):
        body = told | {"hidden": person is hidden}
        assert person.request("PUT", f"/v1/practitioners/{person.id}/listing", json=body).status_code == 200
    assert admin.request("POST", f"/v1/practitioners/{suspended.id}/suspension").status_code == 200
    jose = listed(
        house,
        "José O'Brien-Müller",
        specialties=[PSYCHOLOGIST],
        city="SPRINGFIELD",
        state="MA",
        npi=OTHER_NPI,
        place=(42.48, -72.61),
    )
    listed(house, "María García López", specialties=[ADDICTION, PSYCHOLOGIST], city="Chicopee", state="MA")
    listed(house, "Anabel Stone", specialties=[ADDICTION], city="Springfield", state="VT")
    listed(house, "Taken Over", specialties=[ADDICTION], shown=False)
    hill = listed(house, "Hill Clínic", kind="organization", npi=CLINIC_NPI)
    listed(house, "Gone Clinic", kind="organization", shown=False)
    department = admin.request("POST", "/v1/departments", json={"name": "Intake North"}).get_json()["id"]
    return Town(house, admin, asker, ana, hidden, suspended, jose, hill, department)


_ENROLLED = [("Dr. Ana Whitfield", NPI), ("Hal Hidden", "1467560003"), ("Sue Stopped", "1093817462")]
Said = Mapping[str, str]
ANA, JOSE, MARIA, STONE = "Dr. Ana Whitfield", "José O'Brien-Müller", "María García López", "Anabel Stone"

QUESTIONS: dict[str, tuple[str, Callable[[Town], Said], list[str]]] = {
    "npi": ("Practitioner", lambda _: {"identifier": NPI}, [ANA]),
    "npi-with-system": ("Practitioner", lambda _: {"identifier": f"{NPI_SYSTEM}|{NPI}"}, [ANA]),
    "either-npi": ("Practitioner", lambda _: {"identifier": f"{NPI},{NPI_SYSTEM}|{OTHER_NPI}"}, [ANA, JOSE]),
    "npi-of-an-organization": ("Practitioner", lambda _: {"identifier": CLINIC_NPI}, []),
    "npi-of-the-hidden": ("Practitioner", lambda _: {"identifier": "1467560003"}, []),
    "npi-of-the-suspended": ("Practitioner", lambda _: {"identifier": "1093817462"}, []),
    "name-begins": ("Practitioner", lambda _: {"name": "ANA"}, [STONE, ANA]),
    "name-whole": ("Practitioner", lambda _: {"name": "whitfield ana"}, [ANA]),
    "name-without-accents": ("Practitioner", lambda _: {"name": "obrien muller"}, [JOSE]),
    "name-with-an-apostrophe": ("Practitioner", lambda _: {"name": "O'Brien"}, [JOSE]),
    "name-within-a-word": ("Practitioner", lambda _: {"name": "hitfield"}, []),
    "either-name": ("Practitioner", lambda _: {"name": "whit,garcia"}, [ANA, MARIA]),
    "escaped-comma": ("Practitioner", lambda _: {"name": "whitfield\\, ana"}, [ANA]),
    "signs-of-the-query-language": ("Practitioner", lambda _: {"name": "an%_"}, [STONE, ANA]),
    "family": ("Practitioner", lambda _: {"family": "Garcia Lopez"}, [MARIA]),
    "family-is-not-the-first-word": ("Practitioner", lambda _: {"family": "anab"}, []),
    "given": ("Practitioner", lambda _: {"given": "ana"}, [STONE, ANA]),
    "given-is-not-the-last-word": ("Practitioner", lambda _: {"given": "stone"}, []),
    "given-and-family": ("Practitioner", lambda _: {"given": "Ana", "family": "Stone"}, [STONE]),
    "active": ("Practitioner", lambda _: {"name": "ana", "active": "true"}, [STONE, ANA]),
    "not-active": ("Practitioner", lambda _: {"name": "ana", "active": "false"}, []),
    "id-of-an-account": ("Practitioner", lambda town: {"_id": str(town.ana.id)}, [ANA]),
    "ids": ("Practitioner", lambda town: {"_id": f"{town.ana.id},{town.jose}"}, [ANA, JOSE]),
    "id-and-another-name": ("Practitioner", lambda town: {"_id": str(town.ana.id), "name": "stone"}, []),
    "id-of-the-hidden": ("Practitioner", lambda town: {"_id": str(town.hidden.id)}, []),
    "id-of-the-suspended": ("Practitioner", lambda town: {"_id": str(town.suspended.id)}, []),
    "specialty": ("PractitionerRole", lambda _: {"specialty": PSYCHOLOGIST}, [ANA, JOSE, MARIA]),
    "specialty-with-system": (
        "PractitionerRole",
        lambda _: {"specialty": f"http://nucc.org/provider-taxonomy|{ADDICTION}"},
        [STONE, MARIA],
    ),
    "either-specialty-once": (
        "PractitionerRole",
        lambda _: {"specialty": f"{ADDICTION},{PSYCHOLOGIST}"},
        [STONE, ANA, JOSE, MARIA],
    ),
    "specialty-and-town": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.address-city": "spring"},
        [ANA, JOSE],
    ),
    "specialty-and-state": (
        "PractitionerRole",
        lambda _: {"specialty": ADDICTION, "location.address-state": "vt"},
        [STONE],
    ),
    "specialty-and-postal-code": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.address-postalcode": "011"},
        [ANA],
    ),
    "specialty-nearby": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.near": "42.2|-72.6"},
        [ANA, JOSE],
    ),
    "specialty-within-a-walk": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.near": "42.48|-72.61|2|km"},
        [JOSE],
    ),
    "specialty-within-miles": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.near": "42.102|-72.9|17|[mi_us]"},
        [ANA],
    ),
    "specialty-not-within-kilometres": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.near": "42.102|-72.9|17|km"},
        [],
    ),
    "specialty-far-away": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.near": "34.05|-118.24|300"},
        [],
    ),
    "town-is-a-beginning": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.address-city": "field"},
        [],
    ),
    "town-with-a-sign": (
        "PractitionerRole",
        lambda _: {"specialty": PSYCHOLOGIST, "location.address-city": "%"},
        [],
    ),
    "practitioner": ("PractitionerRole", lambda town: {"practitioner": f"Practitioner/{town.ana.id}"}, [ANA]),
    "practitioner-by-id": ("PractitionerRole", lambda town: {"practitioner": str(town.jose)}, [JOSE]),
    "organization": ("PractitionerRole", lambda town: {"organization": f"Organization/{town.ana.organization}"}, [ANA]),
    "organization-without-people": (
        "PractitionerRole",
        lambda town: {"organization": str(town.asker.organization)},
        [],
    ),
    "role-not-active": ("PractitionerRole", lambda _: {"specialty": PSYCHOLOGIST, "active": "false"}, []),
    "organizations-by-name": (
        "Organization",
        lambda _: {"name": "north"},
        ["Intake North", "North Clinic", "North Clinic"],
    ),
    "listed-organization-by-name": ("Organization", lambda _: {"name": "clinic hill"}, ["Hill Clínic"]),
    "listed-organization-that-is-gone": ("Organization", lambda _: {"name": "gone"}, []),
    "organization-with-signs-of-the-query-language": ("Organization", lambda _: {"name": "no%th"}, []),
    "organization-by-npi": ("Organization", lambda _: {"identifier": CLINIC_NPI}, ["Hill Clínic"]),
    "organization-by-the-npi-of-a-person": ("Organization", lambda _: {"identifier": NPI}, []),
    "departments": (
        "Organization",
        lambda town: {"partof": f"Organization/{town.admin.organization}"},
        ["Intake North"],
    ),
    "no-departments": ("Organization", lambda town: {"partof": str(town.asker.organization)}, []),
    "organization-ids": (
        "Organization",
        lambda town: {"_id": f"{town.hill},{town.department},{town.admin.organization}"},
        ["Hill Clínic", "Intake North", "North Clinic"],
    ),
    "organization-not-active": ("Organization", lambda _: {"name": "north", "active": "false"}, []),
    "endpoints": ("Endpoint", lambda town: {"organization": f"Organization/{town.admin.organization}"}, [ANA]),
    "endpoint-of-somebody-listed": ("Endpoint", lambda town: {"_id": str(town.jose)}, []),
    "endpoint-active": ("Endpoint", lambda town: {"_id": str(town.ana.id), "status": "active"}, [ANA]),
    "endpoint-off": ("Endpoint", lambda town: {"_id": str(town.ana.id), "status": "off"}, []),
}  # fmt: skip
