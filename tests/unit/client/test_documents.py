"""Documents: recognised, checked before they are sealed, and shown without risk."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from concord.documents import CDA_XML, FHIR_JSON, PDF, PLAIN_TEXT, check, describe
from concord.errors import DocumentError
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
SUMMARY = ROOT / "demo" / "patient" / "summary.json"
SAMPLES = ROOT.parent / "shared" / "samples"


def bundle() -> dict[str, Any]:
    """A small, whole document."""
    return {
        "resourceType": "Bundle",
        "type": "document",
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "resource": {
                    "resourceType": "Composition",
                    "status": "final",
                    "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5"}]},
                    "subject": {"reference": "urn:uuid:2"},
                    "date": "2026-09-14",
                    "author": [{"display": "Dr. Ana Whitfield"}],
                    "title": "Patient Summary",
                    "section": [{"title": "Problems"}, {"title": "Allergies\u001b[2J"}],
                },
            },
            {
                "fullUrl": "urn:uuid:2",
                "resource": {
                    "resourceType": "Patient",
                    "name": [
                        {"use": "old", "family": "Before"},
                        {"use": "official", "family": "Rivera", "given": ["Luz"]},
                    ],
                    "birthDate": "1968-07-15",
                },
            },
        ],
    }


def cda(inside: str = "", before: str = "") -> bytes:
    """A small C-CDA."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{before}
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Referral
 Note</title>
<recordTarget><patientRole><patient>
<name><given>Luz</given><family>Rivera</family></name><name><given>Old</given><family>Name</family></name>
<birthTime value="19680715120000"/></patient></patientRole></recordTarget>
<component><structuredBody><component><section><title>Problems</title>{inside}</section></component>
</structuredBody></component></ClinicalDocument>""".encode()


def stream(value: object) -> io.BytesIO:
    """A document as a stream."""
    return io.BytesIO(value if isinstance(value, bytes) else json.dumps(value).encode())


class TestFhir:
    """FHIR R4 document Bundles."""

    def test_a_document_is_recognised_checked_and_described(self) -> None:
        body = stream(bundle())
        assert check(body) == FHIR_JSON
        assert body.tell() == 0
        summary = describe(body, FHIR_JSON)
        assert (summary.title, summary.patient_name, summary.birth_date) == (
            "Patient Summary",
            "Luz Rivera",
            "1968-07-15",
        )
        assert summary.sections == ("Problems", "Allergies [2J")
        assert summary.profile == "International Patient Summary (LOINC 60591-5)"
        assert "Luz" not in repr(summary)
        assert "Patient   Luz Rivera, born 1968-07-15" in summary.text

    @pytest.mark.parametrize(
        ("change", "element"),
        [
            (lambda b: b["entry"][0]["resource"].pop("status"), "Bundle.entry[0].resource.status"),
            (lambda b: b["entry"][1]["resource"].update(birthDate="Rivera"), "Bundle.entry[1].resource.birthDate"),
            (lambda b: b["entry"][1]["resource"].update(shoe=1), "Bundle.entry[1].resource.shoe"),
            (lambda b: b["entry"][1]["resource"].update(resourceType="Shoe"), "Bundle.entry"),
            (lambda b: b.update(type="collection"), "Bundle.type"),
            (lambda b: b.update(resourceType="Patient"), "resourceType"),
            (lambda b: b["entry"].reverse(), "Bundle.entry[0].resource"),
            (lambda b: b["entry"].clear(), "Bundle.entry[0].resource"),
            (lambda b: b["entry"].append(7), "Bundle.entry[2]"),
            (lambda b: b.update(entry="many"), "Bundle.entry[0].resource"),
        ],
    )
    def test_a_problem_names_the_element_and_not_its_value(
        self, change: Callable[[dict[str, Any]], object], element: str
    ) -> None:
        broken = bundle()
        change(broken)
        with pytest.raises(DocumentError) as caught:
            check(stream(broken))
        assert caught.value.element == element
        assert "Rivera" not in caught.value.message

    @pytest.mark.parametrize("body", [b"{", b"{}", b"{" * 100_000, b'{"a":' * 50_000, b'{"resourceType":"Bundle"}'])
    def test_json_that_is_no_document_is_refused(self, body: bytes) -> None:
        with pytest.raises(DocumentError):
            check(io.BytesIO(body))

    def test_a_hostile_document_is_described_or_refused(self) -> None:
        """What a colleague's software wrote may be of any form; showing it must not fail otherwise."""
        for path in ("subject", "title", "section", "type"):
            for value in (None, 7, [], {}, [[1]], [{"title": 3}], {"coding": 1}, {"reference": []}):
                odd = bundle()
                odd["entry"][0]["resource"][path] = value
                odd["entry"][1]["resource"]["name"] = value
                assert describe(stream(odd), FHIR_JSON).title

    def test_the_models_are_loaded_only_to_check(self) -> None:
        script = (
            "import io, sys; from concord.documents import describe\n"
            "describe(io.BytesIO(sys.stdin.buffer.read()), 'application/fhir+json')\n"
            "assert not any(name.startswith('fhir') for name in sys.modules), 'loaded'\n"
        )
        subprocess.run([sys.executable, "-c", script], input=json.dumps(bundle()).encode(), check=True)

    def test_a_whole_synthetic_patient_is_checked_in_seconds(self) -> None:
        """Five megabytes: 1.4 s on one quiet core when this was written; the bound is for a busy machine."""
        import time  # noqa: PLC0415 - for this test alone

        start = time.process_time()
        assert check(SUMMARY) == FHIR_JSON
        assert time.process_time() - start < 15
        summary = describe(SUMMARY, FHIR_JSON)
        assert summary.profile
        assert len(summary.sections) == 9
        assert summary.text.splitlines()[0].endswith("(4.7 MB)")


class TestCda:
    """C-CDA."""

    def test_a_document_is_recognised_and_described(self) -> None:
        assert check(io.BytesIO(b"\xef\xbb\xbf\n" + cda().split(b"?>", 1)[1])) == CDA_XML
        summary = describe(io.BytesIO(cda()), "text/xml")
        assert (summary.title, summary.patient_name, summary.birth_date) == (
            "Referral Note",
            "Luz Rivera",
            "1968-07-15",
        )
        assert summary.sections == ("Problems",)

    @pytest.mark.parametrize(
        "before",
        [
            "<!DOCTYPE ClinicalDocument>",
            '<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">',
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>',
        ],
        ids=["doctype", "fetched", "file", "laughs"],
    )
    def test_a_declaration_is_refused(self, before: str) -> None:
        with pytest.raises(DocumentError, match="declares"):
            check(io.BytesIO(cda(before=before)))

    def test_endless_nesting_is_refused(self) -> None:
        with pytest.raises(DocumentError, match="nested"):
            check(io.BytesIO(cda("<list>" * 100_000)))

    @pytest.mark.parametrize(
        "body",
        [
            cda()[:-30],
            cda("&undefined;"),
            b"<html></html>",
            b'<ClinicalDocument xmlns="urn:other"/>',
            b"<",
            b'<?xml version="1.0" encoding="no-such"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>',
        ],
        ids=["cut", "entity", "html", "namespace", "start", "encoding"],
    )
    def test_other_xml_is_refused(self, body: bytes) -> None:
        with pytest.raises(DocumentError):
            check(io.BytesIO(body))


class TestOthers:
    """PDF, text, and what is neither."""

    def test_a_pdf_is_recognised_by_both_ends(self) -> None:
        assert check(io.BytesIO(b"%PDF-1.7\n...\n%%EOF\n")) == PDF
        assert describe(io.BytesIO(b"%PDF-1.7\n%%EOF"), PDF).title == "PDF document"
        with pytest.raises(DocumentError, match="cut short"):
            check(io.BytesIO(b"%PDF-1.7\n..." + b"x" * 5000))

    def test_text_is_text_in_utf_8(self) -> None:
        assert check(io.BytesIO("Danke für die Überweisung.\n".encode())) == PLAIN_TEXT
        assert describe(io.BytesIO(b"Hello"), PLAIN_TEXT).text == "Text (5 bytes)"

    @pytest.mark.parametrize(
        "body", [b"", b"\x00\x01", b"\xff\xd8\xff\xe0", "é".encode()[:1], "Grüße".encode("latin-1")]
    )
    def test_other_bytes_are_refused(self, body: bytes) -> None:
        with pytest.raises(DocumentError):
            check(io.BytesIO(body))

    def test_a_document_is_described_as_what_it_was_sent_as(self) -> None:
        with pytest.raises(DocumentError):
            describe(io.BytesIO(b"hello"), PDF)
        assert describe(io.BytesIO(b"hello"), "image/png").size == 5

    def test_a_path_will_do(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(cda())
        assert check(tmp_path / "a") == CDA_XML

    def test_a_structured_document_without_bound_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("concord.documents.content.MAX_STRUCTURED_BYTES", 100)
        with pytest.raises(DocumentError, match="larger"):
            check(stream(bundle()))

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=200), st.sampled_from([b"", b"{", b"<", b"<a>", b"%PDF-", b'{"resourceType":"Bundle"']))
    def test_any_bytes_are_recognised_or_refused(self, tail: bytes, start: bytes) -> None:
        try:
            assert check(io.BytesIO(start + tail)) in {FHIR_JSON, CDA_XML, PDF, PLAIN_TEXT}
        except DocumentError as error:
            assert error.hint


def test_documents_of_other_software_are_accepted_and_described() -> None:
    """Our own synthetic patient, and documents of other people's software where they are at hand."""
    for path in [SUMMARY, *SAMPLES.glob("*.xml"), *SAMPLES.glob("*.json")]:
        summary = describe(path, check(path))
        assert summary.patient_name, path.name
        assert summary.birth_date, path.name
        assert len(summary.sections) > 5, path.name
