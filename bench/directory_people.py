"""A population that resembles the NPPES file in what a search feels: how often each name, specialty and town comes.

Owns their drawing, the same each time. Refuses real people: names are drawn, NPIs are numbers in a row.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

import zipcodes

from services.directory.rules.tags import Said

SEED = 20261128
# Of all entries, those that their owners keep.
ENROLLED = 0.02
NOW = datetime(2026, 11, 28, tzinfo=UTC)

# The commonest of each, in about the shares that the census gives; the tail is made of syllables.
SURNAMES = [
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez",
    "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee",
    "Perez", "Thompson", "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young",
    "Allen", "King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker",
    "Hall", "Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "Patel", "Kim", "Singh", "Shah", "Chen", "Wang",
    "Li", "Khan", "Ali", "Müller", "O'Brien", "O'Connor", "Muñoz", "Peña", "Núñez", "Haddad", "Whitfield", "Cohen",
]  # fmt: skip
_FIRST = [
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William",
    "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Sarah", "Charles", "Karen", "Christopher", "Lisa",
    "Daniel", "Nancy", "Matthew", "Betty", "Anthony", "Sandra", "Mark", "Margaret", "Donald", "Ashley", "Steven",
    "Kimberly", "Andrew", "Emily", "Paul", "Donna", "Joshua", "Michelle", "Kenneth", "Carol", "Kevin", "Amanda",
    "Brian", "Melissa", "George", "Deborah", "José", "María", "Ana", "Noor", "Wei", "Priya", "Fatima", "Zoë",
    "Łukasz", "Siobhán", "Chloé", "Dmitri",
]  # fmt: skip
_SYLLABLES = [
    "ba", "ber", "bor", "chi", "da", "del", "don", "el", "fa", "fer", "ga", "gar", "hal", "ho", "in", "ja", "ka",
    "kel", "kov", "la", "lan", "ler", "lo", "ma", "man", "mar", "mi", "na", "ner", "ni", "no", "o", "pa", "per", "po",
    "ra", "ri", "ro", "sa", "sen", "ski", "so", "son", "sta", "ta", "tel", "ter", "to", "va", "ver", "vi", "wa",
    "wer", "wi", "ya", "za",
]  # fmt: skip
# Shares of NPPES, roughly: most are nurses, physicians and the like; one in twelve works in behavioral health.
_CODES = {
    "163W00000X": 90, "183500000X": 60, "207R00000X": 70, "207Q00000X": 60, "225100000X": 60, "363LF0000X": 55,
    "1041C0700X": 55, "101YM0800X": 45, "104100000X": 25, "208000000X": 35, "122300000X": 55, "111N00000X": 30,
    "207P00000X": 25, "207L00000X": 25, "207V00000X": 22, "363A00000X": 40, "2085R0202X": 20, "208600000X": 18,
    "2084P0800X": 25, "103T00000X": 15, "103TC0700X": 25, "106H00000X": 18, "101YA0400X": 15, "363LP0808X": 14,
    "2084P0804X": 5, "103TC2200X": 3, "2084A0401X": 1, "207QA0401X": 1, "207RA0401X": 1, "101YP2500X": 20,
    "235Z00000X": 30, "225X00000X": 28, "207RC0000X": 14, "207N00000X": 9, "2084N0400X": 10, "152W00000X": 20,
}  # fmt: skip
_PLACES_OF_CARE = {"261QM0801X": 3, "261QR0405X": 2, "282N00000X": 2, "3336C0003X": 8, "261QP2300X": 4, "251S00000X": 3}
_PLANS = ("Aetna", "Blue Cross Blue Shield", "Cigna", "Medicaid", "Medicare", "UnitedHealthcare", "Kaiser Permanente")
_AGES = ("infant", "child", "adolescent", "adult", "older-adult")
_LANGUAGES = ("es", "zh", "vi", "tl", "ar", "ru", "ht", "ko", "fr", "ase")


@dataclass
class Drawn:
    """One entry as it is drawn."""

    id: UUID
    owner: UUID | None
    kind: str
    name: str
    npi: str
    place: dict[str, str]
    said: Said
    confirmed_at: datetime


class Population:
    """Entries that are the same each time they are made."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._random = random.Random(SEED)
        self._places, self._weights = _towns(self._random)
        self._tail = [self._made() for _ in range(60_000)]
        self._codes = list(_CODES), list(accumulate(_CODES.values()))
        self._care = list(_PLACES_OF_CARE), list(accumulate(_PLACES_OF_CARE.values()))

    def __iter__(self) -> Iterator[Drawn]:
        for number in range(self._size):
            yield self._entry(number)

    def _entry(self, number: int) -> Drawn:
        draw = self._random
        enrolled = draw.random() < ENROLLED
        group = not enrolled and draw.random() < 0.2
        place = draw.choices(self._places, cum_weights=self._weights)[0]
        codes, weights = self._care if group else self._codes
        said = Said(specialties=tuple(set(draw.choices(codes, cum_weights=weights, k=draw.choice((1, 1, 1, 2))))))
        if enrolled:
            said = self._says(said.specialties)
        name = f"{place['city']} {self._surname()} Associates LLC" if group else f"{self._first()} {self._surname()}"
        return Drawn(
            id=UUID(int=draw.getrandbits(128), version=4),
            owner=UUID(int=draw.getrandbits(128), version=4) if enrolled else None,
            kind="organization" if group else "individual",
            name=name,
            npi=f"{1_000_000_000 + number}",
            place=place,
            said=said,
            confirmed_at=NOW - timedelta(days=draw.randrange(400)),
        )

    def _says(self, specialties: tuple[str, ...]) -> Said:
        draw = self._random
        return Said(
            specialties,
            tuple({"en", *draw.sample(_LANGUAGES, draw.choice((0, 0, 1, 2)))}),
            tuple(draw.sample(_AGES, 3)),
            tuple(draw.sample(_PLANS, 3)),
            telehealth=draw.choice((True, False, None)),
            accepting=draw.choice((True, True, False, None)),
        )

    def _first(self) -> str:
        """The commonest first names are most of all; the n-th comes about 1/n as often as the first (Zipf)."""
        if self._random.random() < 0.75:
            return _FIRST[min(int(len(_FIRST) ** self._random.random()) - 1, len(_FIRST) - 1)]
        return self._random.choice(self._tail[:4000])

    def _surname(self) -> str:
        if self._random.random() < 0.15:
            return SURNAMES[min(int(len(SURNAMES) ** self._random.random()) - 1, len(SURNAMES) - 1)]
        if self._random.random() < 0.5:
            return self._tail[int(len(self._tail) ** self._random.random()) - 1]
        return self._random.choice(self._tail)

    def _made(self) -> str:
        return "".join(self._random.choices(_SYLLABLES, k=self._random.choice((2, 3, 3, 4)))).capitalize()


def _towns(draw: random.Random) -> tuple[list[dict[str, str]], list[float]]:
    """ZIP codes, and how many work there: few in most, very many in some of the large cities."""
    every: list[dict[str, str]] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    known = [each for each in every if each["active"] and each["zip_code_type"] == "STANDARD"]
    cities = Counter(_town(each) for each in known)
    return known, list(accumulate(min(draw.paretovariate(1.1), 40.0) * cities[_town(each)] ** 0.5 for each in known))


def _town(place: dict[str, str]) -> tuple[str, str]:
    return place["city"], place["state"]
