"""What the story is told with: the patient's summary, what it needs to be allowed, letters and terms.

Owns their contents. Refuses a hand-made record: the summary is a whole synthetic patient's International Patient
Summary, five megabytes of FHIR, and its labels are those that the client finds in its codes.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from concord.api import Party, Terms
from concord.labels import propose
from concord.letters import Draft
from concord_formats.vocabulary import ConsentType, Information, PartyKind, Purpose, Sensitivity

SUMMARY = Path(__file__).parent / "patient" / "summary.json"
FHIR = "application/fhir+json"
# Every label that the client finds in the summary's own codes: the patient allows them, and the letter declares them.
FOUND = propose(SUMMARY, FHIR)
ALLOWED = FOUND.information | {Information.REASON_FOR_REFERRAL, Information.COORDINATION}
ALLOWED_SENSITIVITY = FOUND.sensitivity | {Sensitivity.GENERAL}
GENERAL = frozenset({Sensitivity.GENERAL})


def terms(physician: UUID, psychologist: UUID, token: str) -> Terms:
    """What the patient allows: everything that the summary holds, between the two, both ways, for a year."""
    now = datetime.now(UTC)
    return Terms(
        type=ConsentType.HIPAA_AUTHORIZATION,
        patient=token,
        discloser=Party(kind=PartyKind.PRACTITIONER, id=physician),
        recipient=Party(kind=PartyKind.PRACTITIONER, id=psychologist),
        mutual=True,
        purposes=[Purpose.TREATMENT, Purpose.CARE_COORDINATION],
        information=sorted(ALLOWED),
        sensitivity=sorted(ALLOWED_SENSITIVITY),
        valid_from=now,
        valid_until=now + timedelta(days=365),
    )


def letter(
    body: io.BufferedIOBase,
    media_type: str,
    consent: UUID,
    information: set[Information] | frozenset[Information],
    sensitivity: set[Sensitivity] | frozenset[Sensitivity] = GENERAL,
    *,
    reply_to: UUID | None = None,
    on_behalf_of: UUID | None = None,
) -> Draft:
    """A letter for treatment under a consent."""
    return Draft(
        body=body,  # type: ignore[arg-type]  # files and BytesIO are BinaryIO in all but name
        media_type=media_type,
        consent=consent,
        purpose=Purpose.TREATMENT,
        information=frozenset(information),
        sensitivity=frozenset(sensitivity),
        reply_to=reply_to,
        on_behalf_of=on_behalf_of,
    )


def patient_words() -> dict[str, str]:
    """The words to look for: family name, birth date, one diagnosis of the summary."""
    resources = [entry["resource"] for entry in json.loads(SUMMARY.read_bytes())["entry"]]
    patient = next(resource for resource in resources if resource["resourceType"] == "Patient")
    conditions = [r["code"]["coding"][0]["display"] for r in resources if r["resourceType"] == "Condition"]
    diagnosis = next(text for text in conditions if "apnea" in text)
    family = patient["name"][0]["family"]
    return {
        "name": f"{patient['name'][0]['given'][0]} {family}",
        "family name": family,
        "birth date": patient["birthDate"],
        "diagnosis": diagnosis,
    }
