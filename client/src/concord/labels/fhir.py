"""The codes of a FHIR R4 document Bundle.

Owns the walk over its resources, contained ones as well. Refuses those that are about no patient (a code system lists
every code), and Consent, whose security labels say what it permits. Negations are not read: a refuted diagnosis is in
the document all the same. An allergy to a drug is no sign that the drug is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..documents.content import Content
from ..errors import DocumentError
from .evidence import Evidence
from .systems import CodeSystem, system_named

_NOT_ABOUT_THE_PATIENT = frozenset(
    {
        "ActivityDefinition",
        "CodeSystem",
        "ConceptMap",
        "Consent",
        "ImplementationGuide",
        "Library",
        "Measure",
        "PlanDefinition",
        "Questionnaire",
        "StructureDefinition",
        "ValueSet",
    }
)


_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


class _Node(NamedTuple):
    """A value, where it stands (`above`, `step`), and the type of the resource it belongs to."""

    value: Any
    above: _Node | None
    step: str | int
    kind: str

    def path(self) -> str:
        steps = []
        node: _Node | None = self
        while node is not None:
            steps.append(f"[{node.step}]" if isinstance(node.step, int) else f".{node.step}")
            node = node.above
        return "".join(reversed(steps)).removeprefix(".")


def gather(content: Content, evidence: Evidence) -> None:
    """Add the codes of a Bundle to the evidence. Raises `DocumentError` when it is not JSON."""
    try:
        members = json.loads(content.whole())
    except (ValueError, RecursionError):
        raise DocumentError("it is not JSON") from None
    if not isinstance(members, dict):
        raise DocumentError("must be Bundle: send a FHIR document", "resourceType")
    own_visit = _own_visit(members)
    waiting = [_Node(members, None, "Bundle", "")]
    while waiting:
        node = waiting.pop()
        if isinstance(node.value, list):
            waiting.extend(_inside(node, enumerate(node.value)))
        else:
            waiting.extend(_read(node, own_visit, evidence))


def _read(node: _Node, own_visit: object, evidence: Evidence) -> list[_Node]:
    """Read one object; the objects and lists in it."""
    value = node.value
    if isinstance(value.get("resourceType"), str):
        node = node._replace(kind=value["resourceType"])
        if node.kind in _NOT_ABOUT_THE_PATIENT:
            return []
        _resource(node, own_visit, evidence)
    _coding(node, evidence)
    if node.step in ("medicationCodeableConcept", "code") and node.kind.startswith("Medication"):
        _medication(node, evidence)
    # A section that says it is empty discloses nothing of its kind.
    skipped = "code" if node.kind == "Composition" and "emptyReason" in value else None
    return _inside(node, ((step, each) for step, each in value.items() if step != skipped))


def _inside(node: _Node, items: Iterable[tuple[str | int, Any]]) -> list[_Node]:
    """The objects and lists among the items, last one first: they are read from the end."""
    found = [_Node(each, node, step, node.kind) for step, each in items if isinstance(each, dict | list)]
    found.reverse()
    return found


def _resource(node: _Node, own_visit: object, evidence: Evidence) -> None:
    """What the type of a resource says."""
    value = node.value
    if node.kind == "Composition" and isinstance(value.get("confidentiality"), str):
        evidence.code(CodeSystem.CONFIDENTIALITY, value["confidentiality"], node.path)
    if node.kind == "Condition" and _is_encounter_diagnosis(value):
        return  # its category says so
    entry = node.above.value if node.above else {}
    names = (entry.get("fullUrl") if isinstance(entry, dict) else None, f"{node.kind}/{value.get('id')}")
    if own_visit is None or own_visit not in names:
        evidence.code(CodeSystem.RESOURCE, node.kind, node.path)


def _coding(node: _Node, evidence: Evidence) -> None:
    system, code = node.value.get("system"), node.value.get("code")
    if not isinstance(system, str) or not isinstance(code, str) or (known := system_named(system)) is None:
        return
    if known is CodeSystem.RXNORM:
        if node.kind == "AllergyIntolerance":
            return
        if isinstance(display := node.value.get("display"), str):
            evidence.medication(display, code, node.path)
    evidence.code(known, code, node.path)


def _medication(node: _Node, evidence: Evidence) -> None:
    """A medication that is coded in another system than RxNorm, or only named."""
    codings = _objects(node.value.get("coding"))
    rxnorm = [each.get("code") for each in codings if each.get("system") == _RXNORM]
    code = next((each for each in rxnorm if isinstance(each, str)), "")
    for name in (node.value.get("text"), *(each.get("display") for each in codings)):
        if isinstance(name, str):
            evidence.medication(name, code, node.path)


def _is_encounter_diagnosis(condition: dict[str, Any]) -> bool:
    codings = (coding for concept in _objects(condition.get("category")) for coding in _objects(concept.get("coding")))
    return any(coding.get("code") == "encounter-diagnosis" for coding in codings)


def _own_visit(members: dict[str, Any]) -> object:
    """The reference to the visit that the document itself reports: it is no record of attendance."""
    for entry in _objects(members.get("entry"))[:1]:
        composition = entry.get("resource")
        encounter = composition.get("encounter") if isinstance(composition, dict) else None
        return encounter.get("reference") if isinstance(encounter, dict) else None
    return None


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


__all__ = ["gather"]
