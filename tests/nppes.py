"""Files as NPPES and NUCC publish them, of people who do not exist.

Owns the 330 columns (NPPES Data Dissemination, Exhibit 2-1) and realistic records with NPIs whose check digit is right.
Refuses real people: names are put together by chance.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import zipcodes
from stdnum import luhn

_MAIL, _AT = "Business Mailing Address", "Business Practice Location Address"


def _address(kind: str) -> list[str]:
    lines = [f"Provider First Line {kind}", f"Provider Second Line {kind}"]
    parts = (
        "City Name",
        "State Name",
        "Postal Code",
        "Country Code (If outside U.S.)",
        "Telephone Number",
        "Fax Number",
    )
    return lines + [f"Provider {kind} {part}" for part in parts]


def _licences(n: int) -> list[str]:
    return [
        f"Healthcare Provider Taxonomy Code_{n}",
        f"Provider License Number_{n}",
        f"Provider License Number State Code_{n}",
        f"Healthcare Provider Primary Taxonomy Switch_{n}",
    ]


def _identifiers(n: int) -> list[str]:
    return [f"Other Provider Identifier{part}_{n}" for part in ("", " Type Code", " State", " Issuer")]


COLUMNS = [
    "NPI",
    "Entity Type Code",
    "Replacement NPI",
    "Employer Identification Number (EIN)",
    "Provider Organization Name (Legal Business Name)",
    "Provider Last Name (Legal Name)",
    "Provider First Name",
    "Provider Middle Name",
    "Provider Name Prefix Text",
    "Provider Name Suffix Text",
    "Provider Credential Text",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
    "Provider Other Last Name",
    "Provider Other First Name",
    "Provider Other Middle Name",
    "Provider Other Name Prefix Text",
    "Provider Other Name Suffix Text",
    "Provider Other Credential Text",
    "Provider Other Last Name Type Code",
    *_address(_MAIL),
    *_address(_AT),
    "Provider Enumeration Date",
    "Last Update Date",
    "NPI Deactivation Reason Code",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    "Provider Sex Code",
    "Authorized Official Last Name",
    "Authorized Official First Name",
    "Authorized Official Middle Name",
    "Authorized Official Title or Position",
    "Authorized Official Telephone Number",
    *(name for n in range(1, 16) for name in _licences(n)),
    *(name for n in range(1, 51) for name in _identifiers(n)),
    "Is Sole Proprietor",
    "Is Organization Subpart",
    "Parent Organization LBN",
    "Parent Organization TIN",
    "Authorized Official Name Prefix Text",
    "Authorized Official Name Suffix Text",
    "Authorized Official Credential Text",
    *(f"Healthcare Provider Taxonomy Group_{n}" for n in range(1, 16)),
    "Certification Date",
]
assert len(COLUMNS) == 330


def npi(number: int) -> str:
    """A National Provider Identifier with its check digit (45 CFR 162.406: Luhn over 80840 and nine digits)."""
    digits = f"1{number:08d}"
    return digits + luhn.calc_check_digit("80840" + digits)


def row(values: Mapping[str, str]) -> bytes:
    """One line: every value in quotes, a double quote written as a single one. Raises KeyError for no such column."""
    if unknown := set(values) - set(COLUMNS):
        raise KeyError(unknown)
    quoted = ('"' + values.get(name, "").replace('"', "'") + '"' for name in COLUMNS)
    return ",".join(quoted).encode() + b"\n"


HEADER = ",".join(f'"{name}"' for name in COLUMNS).encode() + b"\n"


def person(number: int, last: str = "WHITFIELD", first: str = "ANA", **more: str) -> dict[str, str]:
    """Somebody in Springfield, Massachusetts. `more` are columns by the short names below."""
    return {
        "NPI": npi(number),
        "Entity Type Code": "1",
        "Provider Last Name (Legal Name)": last,
        "Provider First Name": first,
        f"Provider First Line {_AT}": "100 RIVER ST",
        f"Provider {_AT} City Name": "SPRINGFIELD",
        f"Provider {_AT} State Name": "MA",
        f"Provider {_AT} Postal Code": "011031234",
        f"Provider {_AT} Country Code (If outside U.S.)": "US",
        f"Provider {_AT} Telephone Number": "4135550123",
        "Provider Enumeration Date": "05/23/2006",
        "Last Update Date": "03/02/2024",
        "Healthcare Provider Taxonomy Code_1": "103T00000X",
        "Healthcare Provider Primary Taxonomy Switch_1": "Y",
    } | {SHORT[name]: value for name, value in more.items()}


def organization(number: int, name: str = "HARBOR HOLDINGS LLC", **more: str) -> dict[str, str]:
    """An organization at the same place."""
    said = person(number, "", "", **more)
    return said | {"Entity Type Code": "2", "Provider Organization Name (Legal Business Name)": name}


def deactivated(number: int, on: str = "01/15/2024") -> dict[str, str]:
    """An NPI that is not in use any more: the file has nothing else of it."""
    return {"NPI": npi(number), "NPI Deactivation Date": on}


SHORT = {
    "kind": "Entity Type Code",
    "middle": "Provider Middle Name",
    "suffix": "Provider Name Suffix Text",
    "other_name": "Provider Other Organization Name",
    "other_last": "Provider Other Last Name",
    "line": f"Provider First Line {_AT}",
    "line_2": f"Provider Second Line {_AT}",
    "city": f"Provider {_AT} City Name",
    "state": f"Provider {_AT} State Name",
    "postal_code": f"Provider {_AT} Postal Code",
    "country": f"Provider {_AT} Country Code (If outside U.S.)",
    "phone": f"Provider {_AT} Telephone Number",
    "updated": "Last Update Date",
    "deactivated": "NPI Deactivation Date",
    "reactivated": "NPI Reactivation Date",
    "certified": "Certification Date",
    "parent": "Parent Organization LBN",
    "specialty": "Healthcare Provider Taxonomy Code_1",
    "specialty_2": "Healthcare Provider Taxonomy Code_2",
}

FIRST = [
    "JAMES",
    "MARY",
    "ROBERT",
    "PATRICIA",
    "JOHN",
    "JENNIFER",
    "JOSÉ",
    "LINDA",
    "WEI",
    "AISHA",
    "PRIYA",
    "DMITRI",
    "SIOBHÁN",
    "LUCÍA",
    "NOOR",
    "BO",
]
LAST = [
    "SMITH",
    "JOHNSON",
    "WILLIAMS",
    "GARCIA",
    "O'BRIEN",
    "MCDONALD",
    "NGUYEN",
    "MÜLLER",
    "HADDAD",
    "PATEL",
    "KOWALSKI",
    "ARMENDÁRIZ",
    "PARK",
]
SYLLABLES = [
    "AL",
    "BER",
    "CO",
    "DAN",
    "EL",
    "FOR",
    "GRE",
    "HAL",
    "IN",
    "JEN",
    "KO",
    "LAN",
    "MOR",
    "NEL",
    "OS",
    "PEN",
    "QUI",
    "RO",
    "SUL",
    "TON",
    "UR",
    "VAN",
    "WES",
    "YO",
    "ZA",
]
CODES = [
    "103T00000X",
    "1041C0700X",
    "207Q00000X",
    "2084P0800X",
    "2084A0401X",
    "101YM0800X",
    "363LP0808X",
    "207R00000X",
    "208D00000X",
]


def realistic(count: int, seed: int = 1) -> Iterator[bytes]:
    """The lines of a file of so many records, without the header: four of five are people, one in fifty was
    deactivated.
    """
    chance = random.Random(seed)
    places = [each for each in zipcodes.list_all() if each["zip_code_type"] == "STANDARD"]
    for number in range(count):
        if number % 50 == 49:
            yield row(deactivated(number))
            continue
        at = chance.choice(places)
        said = {
            "city": at["city"].upper(),
            "state": at["state"],
            "postal_code": f"{at['zip_code']}{chance.randrange(10000):04d}",
            "line": f"{chance.randrange(1, 9999)} MAIN ST",
            "phone": f"{chance.randrange(2010000000, 9899999999)}",
            "updated": f"{chance.randrange(1, 13):02d}/{chance.randrange(1, 29):02d}/{chance.randrange(2008, 2026)}",
            "specialty": chance.choice(CODES),
            "specialty_2": chance.choice(CODES) if number % 4 == 0 else "",
        }
        last = chance.choice(LAST) if number % 3 else "".join(chance.choices(SYLLABLES, k=3))
        if number % 5 == 0:
            yield row(organization(number, f"{last} HEALTH {chance.choice(('LLC', 'PC', 'INC'))}", **said))
        else:
            yield row(person(number, last, chance.choice(FIRST), middle=chance.choice("ABCDEFG"), **said))


def write(path: Path, *lines: bytes) -> Path:
    """A file with the header and these lines."""
    path.write_bytes(HEADER + b"".join(lines))
    return path
