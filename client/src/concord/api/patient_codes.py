"""The consent service's calls about patients' codes and neutral names.

Owns their shapes. Refuses to keep a code: it is shown once, for print.
"""

from __future__ import annotations

from uuid import UUID

from ..transport import Transport
from .shapes import Answer


class PatientCode(Answer):
    """A patient's code, in groups, and the address of the page that it opens."""

    code: str
    page: str


class PatientCodeApi:
    """Calls to `/consent` about the patient's page."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def issue(self, patient: str) -> PatientCode:
        """A new code for a patient token; the one before opens nothing any more."""
        return PatientCode.model_validate(self._transport.json("POST", f"/consent/v1/patients/{patient}/codes"))

    def cancel(self, patient: str) -> None:
        """Cancel a patient's code."""
        self._transport.send("DELETE", f"/consent/v1/patients/{patient}/codes")

    def put_neutral_name(self, organization: UUID, name: str | None) -> None:
        """As an administrator: what one's organization is called on its patients' pages; None: its own name."""
        self._transport.json("PUT", f"/consent/v1/organizations/{organization}/neutral-name", json={"name": name})
