"""C-CDA documents: HL7 CDA R2 in XML.

Owns their hardened reading, in one pass and constant memory. Refuses a document type declaration, and with it every
entity (no expansion, no fetching), and nesting without end. Schema and Schematron are not validated. Source: HL7 CDA
R2, "Header"; the attacks refused are CWE-611 and CWE-776.
"""

from __future__ import annotations

from xml.parsers import expat

from ..errors import DocumentError
from .content import Content
from .summary import DocumentSummary, shown, shown_all

_NAMESPACE = "urn:hl7-org:v3"
_SEPARATOR = "|"
# CDA sections nest a handful of levels; narrative tables a dozen more.
_MAX_DEPTH = 256
_MAX_TEXT = 4096

_PATIENT = ("ClinicalDocument", "recordTarget", "patientRole", "patient")
_SECTION = ("ClinicalDocument", "component", "structuredBody", "component", "section")
_TEXTS = {
    ("ClinicalDocument", "title"): "title",
    (*_PATIENT, "name", "given"): "given",
    (*_PATIENT, "name", "family"): "family",
    (*_SECTION, "title"): "section",
}


def describe(content: Content) -> DocumentSummary:
    """Title, patient and sections. Raises `DocumentError` when it is no well-formed ClinicalDocument."""
    reader = _Reader()
    try:
        for piece in content.pieces():
            reader.feed(piece)
        reader.end()
    except expat.ExpatError as error:
        raise DocumentError(f"it is not well-formed XML (line {error.lineno})") from None
    except (LookupError, ValueError):
        raise DocumentError("it is in an encoding that is not known here") from None
    return reader.summary(content.size)


class _Reader:
    """Collects the few texts that are shown, by the path of the element they stand in."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._found: dict[str, list[object]] = {name: [] for name in _TEXTS.values()}
        self._birth: str | None = None
        self._names = 0
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.StartDoctypeDeclHandler = self._refuse_declaration
        parser.EntityDeclHandler = self._refuse_declaration
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._characters
        self._parser = parser

    def feed(self, piece: bytes) -> None:
        self._parser.Parse(piece, False)

    def end(self) -> None:
        self._parser.Parse(b"", True)

    def summary(self, size: int) -> DocumentSummary:
        names = [name for name in (*self._found["given"], *self._found["family"]) if isinstance(name, str)]
        return DocumentSummary(
            "text/xml",
            shown(next(iter(self._found["title"]), None)) or "Clinical document",
            size,
            patient_name=shown(" ".join(names)),
            birth_date=_date(self._birth),
            sections=shown_all(self._found["section"]),
            profile="C-CDA",
        )

    def _refuse_declaration(self, *_declared: object) -> None:
        raise DocumentError("it declares a document type or an entity, which no C-CDA needs")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(_SEPARATOR)
        if not self._path and (namespace, local) != (_NAMESPACE, "ClinicalDocument"):
            raise DocumentError("must be ClinicalDocument of HL7 CDA", "root element")
        if len(self._path) >= _MAX_DEPTH:
            raise DocumentError("its elements are nested without end")
        self._path.append(local if namespace == _NAMESPACE else name)
        path = tuple(self._path) if len(self._path) <= len(_SECTION) + 1 else ()
        self._names += path == (*_PATIENT, "name")
        if path == (*_PATIENT, "birthTime") and self._birth is None:
            self._birth = attributes.get("value")
        if path in _TEXTS and not (path[-1] in ("given", "family") and self._names > 1):  # the first name is shown
            self._text = []

    def _finish(self, _name: str) -> None:
        if self._text is not None and (kind := _TEXTS.get(tuple(self._path))):
            self._found[kind].append("".join(self._text))
            self._text = None
        self._path.pop()

    def _characters(self, data: str) -> None:
        if self._text is not None and len(self._text) < _MAX_TEXT:
            self._text.append(data[:_MAX_TEXT])


def _date(value: str | None) -> str | None:
    """An HL7 v3 timestamp (`YYYYMMDD…`) as ISO 8601, or as it stands."""
    if value and len(value) >= 8 and value[:8].isdecimal():
        return f"{value[:4]}-{value[4:6]}-{value[6:8]}"
    return shown(value)


__all__ = ["describe"]
