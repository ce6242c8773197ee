"""Small documents to propose labels for."""

from __future__ import annotations

import io
import json
from typing import Any

FHIR = "application/fhir+json"
CDA = "text/xml"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
# What a document says in its own words; no finding may repeat it.
SECRET = "Rosa Ibarra said so"


def concept(system: str, code: str, display: str = SECRET) -> dict[str, Any]:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": SECRET}


def bundle(*resources: dict[str, Any], **composition: Any) -> io.BytesIO:
    """A FHIR document with these resources."""
    first = {"resourceType": "Composition", "title": SECRET, **composition}
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": each} for n, each in enumerate((first, *resources))]
    return io.BytesIO(json.dumps({"resourceType": "Bundle", "type": "document", "entry": entries}).encode())


def condition(system: str, code: str, **members: Any) -> dict[str, Any]:
    """A diagnosis."""
    return {"resourceType": "Condition", "code": concept(system, code), **members}


def cda(inside: str = "", header: str = "", before: str = "") -> io.BytesIO:
    """A C-CDA with this inside the section of problems."""
    text = f"""<?xml version="1.0" encoding="UTF-8"?>{before}
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><title>{SECRET}</title>{header}
<component><structuredBody><component><section>
<code code="11450-4" codeSystem="2.16.840.1.113883.6.1" displayName="{SECRET}"/><title>Problems</title>{inside}
</section></component></structuredBody></component></ClinicalDocument>"""
    return io.BytesIO(text.encode())


def problem(oid: str, code: str, inside: str = "") -> str:
    """A problem observation of a C-CDA."""
    value = f'<value xsi:type="CD" code="{code}" codeSystem="{oid}" displayName="{SECRET}">{inside}</value>'
    return f"<entry><act><entryRelationship><observation>{value}</observation></entryRelationship></act></entry>"
