"""Coverage as a clinician handles it: who stands in for whom, until when.

Owns the days, and the question who of a letter's recipients is away. Refuses to redirect a letter: it goes to whom its
sender names, and a covering colleague is one more recipient, whom the patient's consent has to cover.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from .api import Practitioner
from .api.coverage import Coverage, CoverageApi
from .colleagues import Colleagues
from .errors import ServiceError


class Coverages:
    """Who covers for whom."""

    def __init__(self, api: CoverageApi, colleagues: Colleagues) -> None:
        self.api = api
        self._colleagues = colleagues

    def of(self, practitioner: UUID | None = None) -> Coverage | None:
        """Who covers for somebody (by default oneself), now or later; None when nobody was named.

        Raises `ServiceError`, also where the directory answers with somebody else's absence.
        """
        asked = practitioner or self._colleagues.me
        found = self.api.of(asked)
        if found is not None and found.practitioner != asked:
            raise ServiceError.unreadable()
        return found

    def set(
        self, covering: UUID, until: datetime, *, since: datetime | None = None, practitioner: UUID | None = None
    ) -> Coverage:
        """Say who covers for oneself, or as an administrator for `practitioner`. Raises `ServiceError`."""
        return self.api.put(practitioner or self._colleagues.me, covering, since or datetime.now(UTC), until)

    def clear(self, practitioner: UUID | None = None) -> None:
        """Say that oneself, or as an administrator `practitioner`, is back."""
        self.api.delete(practitioner or self._colleagues.me)

    def away(self, people: Iterable[UUID]) -> list[Coverage]:
        """The coverage, in force now, of those of these people who are away."""
        now = datetime.now(UTC)
        found = (self.of(person) for person in dict.fromkeys(people))
        return [each for each in found if each is not None and each.starts_at <= now < each.ends_at]

    def covering(self, away: Coverage) -> Practitioner:
        """Who stands in, as they stand in the key log. Raises `KeyLogError`, `ServiceError`."""
        return self._colleagues.person(away.covering.id)


__all__ = ["Coverages"]
