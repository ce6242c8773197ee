"""What a patient asked to withhold or declined, and why a letter would go or not, as a clinician handles them.

Owns the waiting until a restriction holds everywhere. Refuses to judge a letter: the service explains, and the gate
decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from uuid import UUID

from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity

from .address_book import AddressBook
from .api import Party
from .api.restrictions import Declined, Explanation, Question, Restriction, RestrictionsApi, Withholding
from .colleagues import Colleagues
from .errors import RestrictionPendingError

# As with a revocation: the services' own lease and deadline (6 s), and room for a slow network.
WAIT_SECONDS = 30.0


class Restrictions:
    """The restrictions, the declined records and the decisions of one's own side."""

    def __init__(self, api: RestrictionsApi, colleagues: Colleagues, book: AddressBook) -> None:
        self.api = api
        self._colleagues = colleagues
        self._book = book

    def asked(
        self,
        patient: str,
        requested_on: date,
        *,
        recipient: Party | None = None,
        information: list[Information] | None = None,
        sensitivity: list[Sensitivity] | None = None,
        only_me: bool = False,
    ) -> Withholding:
        """What a patient (alias or token) asked one's organization, or oneself alone, to withhold."""
        mine = (PartyKind.PRACTITIONER, self._colleagues.me)
        ours = (PartyKind.ORGANIZATION, self._colleagues.organization)
        kind, identifier = mine if only_me else ours
        return Withholding(
            patient=self._book.token(patient),
            discloser=Party(kind=kind, id=identifier),
            recipient=recipient,
            information=information or [],
            sensitivity=sensitivity or [],
            requested_on=requested_on,
        )

    def agree(self, asked: Withholding, *, wait: float = WAIT_SECONDS) -> Restriction:
        """Agree to withhold, and wait until no letter can carry it any more.

        Raises `RestrictionPendingError` when that could not be confirmed within `wait` seconds; the restriction stands
        all the same.
        """
        end = time.monotonic() + wait
        while True:
            made = self.api.put(asked, agreed=True)
            if made.effective_at is not None:
                return made
            if time.monotonic() >= end:
                raise RestrictionPendingError(made.id)
            time.sleep(0.25)

    def refuse(self, asked: Withholding) -> Restriction:
        """Put on record that the patient asked, and that one's side did not agree: nothing is withheld."""
        return self.api.put(asked, agreed=False)

    def end(self, restriction: UUID, how: str) -> Restriction:
        """End a restriction by the patient's word: `patient-agreed` or `patient-requested`."""
        return self.api.end(restriction, how)

    def list(self, patient: str) -> Iterator[Restriction]:
        """The restrictions of a patient (alias or token) that are one's own side's."""
        return self.api.restrictions(self._book.token(patient))

    def decline(self, patient: str, party: Party | None, declined_on: date) -> Declined:
        """Put on record that a patient declined coordination, with a party or, without one, with anybody."""
        return self.api.put_declined(self._book.token(patient), party, declined_on)

    def withdraw_declined(self, declined: UUID) -> Declined:
        """The patient changed their mind."""
        return self.api.withdraw_declined(declined)

    def declined(self, patient: str) -> Iterator[Declined]:
        """What one's organization recorded of a patient (alias or token)."""
        return self.api.declined(self._book.token(patient))

    def explain(
        self,
        patient: str,
        to: UUID,
        purpose: Purpose,
        information: frozenset[Information],
        sensitivity: frozenset[Sensitivity],
    ) -> Explanation:
        """Whether a letter of one's own about a patient (alias or token) would go now, and what is missing."""
        question = Question(
            patient=self._book.token(patient),
            to=to,
            purpose=purpose,
            information=sorted(information),
            sensitivity=sorted(sensitivity),
        )
        return self.api.explain(question)
