"""The codes of a C-CDA document.

Owns their reading in one pass and constant memory: every `code` with its `codeSystem`, and the templates that entries
follow. Refuses what `documents.cda` refuses: a document type declaration, entities, nesting without end (CWE-611,
CWE-776). Negations are not read: a problem that is denied is in the document all the same. Source: HL7 C-CDA R2.1.
"""

from __future__ import annotations

from xml.parsers import expat

from ..documents.content import Content
from ..errors import DocumentError
from .evidence import Evidence, Place
from .systems import CodeSystem, system_named

_ROOT = "urn:hl7-org:v3|ClinicalDocument"
_SEPARATOR = "|"
_MAX_DEPTH = 256  # that of `documents.cda`


def gather(content: Content, evidence: Evidence) -> None:
    """Add the codes of a document to the evidence. Raises `DocumentError` when it is no ClinicalDocument."""
    reader = _Reader(evidence)
    try:
        for piece in content.pieces():
            reader.feed(piece)
        reader.end()
    except expat.ExpatError as error:
        raise DocumentError(f"it is not well-formed XML (line {error.lineno})") from None
    except (LookupError, ValueError):
        raise DocumentError("it is in an encoding that is not known here") from None


class _Reader:
    """Walks the elements; for each that is open it knows its name, its place among its like, and its children's."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._names: list[str] = []
        self._numbers: list[int] = []
        self._counts: list[dict[str, int]] = [{}]
        self._empty: list[bool] = []  # whether an element says that it has no content (nullFlavor)
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.StartDoctypeDeclHandler = self._refuse_declaration
        parser.EntityDeclHandler = self._refuse_declaration
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._finish
        self._parser = parser

    def feed(self, piece: bytes) -> None:
        self._parser.Parse(piece, False)

    def end(self) -> None:
        self._parser.Parse(b"", True)

    def _refuse_declaration(self, *_declared: object) -> None:
        raise DocumentError("it declares a document type or an entity, which no C-CDA needs")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._names and name != _ROOT:
            raise DocumentError("must be ClinicalDocument of HL7 CDA", "root element")
        if len(self._names) >= _MAX_DEPTH:
            raise DocumentError("its elements are nested without end")
        local = name.rpartition(_SEPARATOR)[2]
        siblings = self._counts[-1]
        siblings[local] = siblings.get(local, 0) + 1
        self._names.append(local)
        self._numbers.append(siblings[local])
        self._counts.append({})
        self._empty.append("nullFlavor" in attributes)
        if "code" in attributes and "codeSystem" in attributes:
            self._code(attributes)
        elif local == "templateId" and "root" in attributes:
            self._evidence.code(CodeSystem.TEMPLATE, attributes["root"], self._path)

    def _finish(self, _name: str) -> None:
        for stack in (self._names, self._numbers, self._counts, self._empty):
            stack.pop()

    def _code(self, attributes: dict[str, str]) -> None:
        system = system_named(attributes["codeSystem"])
        if self._names[-2:] == ["section", "code"] and self._empty[-2]:
            return  # a section that says it is empty discloses nothing of its kind
        if system is CodeSystem.RXNORM and "playingEntity" in self._names:
            return  # what a patient is allergic to: no sign that it is taken
        if "manufacturedMaterial" in self._names and "displayName" in attributes:
            code = attributes["code"] if system is CodeSystem.RXNORM else ""
            self._evidence.medication(attributes["displayName"], code, self._path)
        if system is not None:
            self._evidence.code(system, attributes["code"], self._path)

    @property
    def _path(self) -> Place:
        """The XPath of the open element, for a finding."""
        return lambda: "/" + "/".join(map("{}[{}]".format, self._names, self._numbers))


__all__ = ["gather"]
