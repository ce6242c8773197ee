"""The consent service's FHIR face, as far as the client needs it.

Owns the reading of its refusals, which are OperationOutcomes. Refuses to send a resource: what came from elsewhere may
hold a name.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ..errors import ServiceError
from ..transport import Transport


class FhirApi:
    """Calls to `/consent/fhir`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def consent(self, consent: UUID) -> dict[str, Any]:
        """One consent as FHIR R4: the version in force, else the newest. Raises `ServiceError`."""
        try:
            return dict(self._transport.json("GET", f"/consent/fhir/Consent/{consent}"))
        except ServiceError as error:
            raise _read(error) from None


def _read(error: ServiceError) -> ServiceError:
    """The first issue of an OperationOutcome; the error as it is when it holds none."""
    try:
        issue = error.members["issue"][0]
        type_, message = str(issue["details"]["coding"][0]["code"]), str(issue["diagnostics"])
    except (LookupError, TypeError):
        return error
    return ServiceError(error.status, type_, message, retry_after=error.retry_after)


__all__ = ["FhirApi"]
