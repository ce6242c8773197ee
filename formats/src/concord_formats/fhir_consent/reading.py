"""From a FHIR R4 `Consent` to a record.

Owns the reading of the resource as a whole. Refuses what Concord cannot represent, all of it at once, each with its
path: nothing is dropped unless the caller allows it, and then it is listed. What may be set aside says nothing of what
is allowed: narrative and display, what a server keeps of its own copy (`meta`), and a form that has to be attached and
attested anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..vocabulary import ConsentType
from . import codes
from .codes import Code, Extension
from .elements import WORDING, concept, extensions, identifier, party, person, single, word
from .moments import Midnight, read
from .reading_form import attachment
from .reading_rules import rules
from .record import ConsentRecord, Deed, ForeignPatient, History, NamedByNpi, Party, Signed, Standing
from .walk import MISSING, Element, NotRepresentableError, Place, Walk, outermost

COPY = "kept by a server of its own copy"
WHO = "who the patient is: a token stands for them"
_TOKEN = re.compile(r"pt_[a-z2-7]{26}", re.ASCII)
_DEED_AS = ("discloser", "recipient", "patient")
_STANDINGS = {"draft": Standing.DRAFT, "active": Standing.ACTIVE}
_MAX_VERSION = 2**31 - 1  # of a positiveInt


@dataclass(frozen=True)
class Reading:
    """A consent as it was read, and what was set aside, in the order of the paths."""

    record: ConsentRecord
    ignored: tuple[Place, ...]


def read_consent(resource: Mapping[str, Any], *, ignoring: bool = False, midnight: Midnight | None = None) -> Reading:
    """Read a resource. Raises `NotRepresentableError` that lists every element that cannot be represented.

    With `ignoring`, wording, a server's housekeeping and a form in the clear are set aside and listed. `midnight` says
    when a calendar day begins: without it a period in days is refused.
    """
    walk = Walk(resource, ignoring)
    if walk.root.get("resourceType").value != "Consent":
        raise NotRepresentableError((Place("resourceType", "must be Consent"),))
    record = _record(walk.root, midnight)
    walk.finish()
    assert record is not None  # noqa: S101 - what is missing was refused, so that `finish` has raised
    return Reading(record, outermost(walk.ignored))


def _record(root: Element, midnight: Midnight | None) -> ConsentRecord | None:
    own = extensions(root, (Extension.VERSION, Extension.STANDING, Extension.DEED))
    _housekeeping(root)
    _fixed(root)
    status, type_, patient = _status(root, single(own[Extension.STANDING])), _type(root), _patient(root)
    found = rules(root.get("provision"), midnight)
    signed = attachment(root)
    _performer(root, patient, signed)
    _organization(root, found.discloser if found else None)
    deeds = _deeds(root, own[Extension.DEED])
    version = _version(single(own[Extension.VERSION]))
    id_ = _id(root)
    if status is None or type_ is None or patient is None or found is None:
        return None
    return ConsentRecord(
        id=id_, version=version, status=status, type=type_, patient=patient, **vars(found), evidence=signed, deeds=deeds
    )


def _housekeeping(root: Element) -> None:
    root.get("text").set_aside(WORDING)
    root.get("language").set_aside(WORDING)
    for name in ("versionId", "lastUpdated", "source", "profile", "tag"):
        if meta := root.get("meta"):
            meta.get(name).set_aside(COPY)


def _fixed(root: Element) -> None:
    """What every consent of Concord's says."""
    scope = root.get("scope")
    if (said := concept(scope)) and set(said) != {codes.SCOPE}:
        scope.refuse("must be patient-privacy")
    categories = root.items("category")
    if not categories:
        root.get("category").refuse(MISSING)
    for each in categories:
        if (said := concept(each)) and not set(said) <= set(codes.CATEGORIES):
            each.refuse("must be LOINC 59284-0 or ActCode IDSCL")


def _status(root: Element, extension: Element | None) -> Standing | None:
    status = root.get("status")
    text = status.text()
    said = extension.get("valueCode") if extension else None
    if text is None:
        status.refuse(MISSING)
        return None
    if text in _STANDINGS:
        if said:
            said.refuse("goes with inactive only")
        return _STANDINGS[text]
    if text != "inactive" or said is None:
        status.refuse("must be draft or active: whether it was revoked, superseded or expired is not said")
        return None
    found = word(Standing, said)
    if found in _STANDINGS.values():
        said.refuse("is not inactive")
        return None
    return found


def _type(root: Element) -> ConsentType | None:
    rule = root.get("policyRule")
    said = concept(rule)
    own = [each for each in said if each.system == codes.OWN_TYPE]
    others = [each for each in said if each.system != codes.OWN_TYPE]
    if not said:
        return None
    known = _own_type(own[0]) if own else codes.TYPES.get(others[0])
    if known is None or len(own) > 1 or not all(_goes_with(each, known) for each in others):
        rule.refuse("must be hipaa-auth, HIPAAPsyNotes or 42CFRPart2, and one of Concord's types beside it")
        return None
    return known


def _goes_with(code: Code, type_: ConsentType) -> bool:
    return code == codes.POLICIES[type_] or codes.TYPES.get(code) is type_


def _own_type(code: Code) -> ConsentType | None:
    return next((type_ for type_ in codes.POLICIES if type_.value == code.code), None)


def _patient(root: Element) -> str | ForeignPatient | None:
    patient = root.get("patient")
    if not patient:
        patient.refuse(MISSING)
        return None
    return _patient_of(patient)


def _patient_of(patient: Element) -> str | ForeignPatient | None:
    patient.get("display").set_aside(WORDING)
    type_ = patient.get("type")
    if type_ and type_.text() != "Patient":
        type_.refuse("must be Patient")
    named = patient.get("identifier")
    if reference := patient.get("reference"):
        named.set_aside(WHO)
        text = reference.text()
        return ForeignPatient(text) if text else None
    system = named.get("system")
    if system.text() != codes.PATIENT_TOKEN:
        patient.refuse("must be a reference, or a token of Concord's")
        return None
    return named.get("value").read(lambda value: value if _TOKEN.fullmatch(value) else None, "is no token")


def _performer(root: Element, patient: str | ForeignPatient | None, signed: Signed | None) -> None:
    """Who agreed: the patient, as the form says. A representative has no name here."""
    for each in root.items("performer"):
        if patient is None or _patient_of(each) != patient:
            each.refuse("must be the patient; a representative is attested with the form")
        elif signed is None:
            each.set_aside("who signed is attested when the form is attached")
        elif signed.signer != "patient":
            each.refuse("a representative signed")


def _organization(root: Element, discloser: Party | NamedByNpi | None) -> None:
    for each in root.items("organization"):
        found = party(each)
        if found is None or found != discloser:
            each.refuse("must be the organization that discloses")


def _deeds(root: Element, extended: list[Element]) -> tuple[Deed, ...]:
    moment = root.get("dateTime")
    at = moment.read(read, "must be an instant with its zone, or a date")
    made = {History.DRAFTED: Deed(History.DRAFTED, at)} if at else {}
    for each in extended:
        deed = _deed(each)
        if deed is None:
            continue
        before = made.get(deed.what)
        # Who drafted it stands in an extension, when stands in `dateTime` as well.
        if before and (before.by or before.what is not History.DRAFTED or before.at != deed.at):
            each.refuse("stands twice")
        made[deed.what] = deed
    return tuple(made[what] for what in History if what in made)


def _deed(element: Element) -> Deed | None:
    inner = extensions(element, ("what", "at", "by", "as"))
    whole = {name: single(found) for name, found in inner.items()}
    what = word(History, whole["what"].get("valueCode")) if whole["what"] else None
    at = whole["at"].get("valueDateTime").read(read, "must be an instant or a date") if whole["at"] else None
    by = person(whole["by"].get("valueReference")) if whole["by"] else None
    as_ = whole["as"].get("valueCode").read(_standing, "must be a side") if whole["as"] else None
    if what is None or at is None:
        element.refuse("must say what happened, and when")
        return None
    return Deed(what, at, by, as_)


def _standing(text: str) -> str | None:
    return text if text in _DEED_AS else None


def _version(extension: Element | None) -> int | None:
    if extension is None:
        return None
    return extension.get("valuePositiveInt").read(
        lambda value: value if type(value) is int and 1 <= value <= _MAX_VERSION else None, "must be a positive number"
    )


def _id(root: Element) -> Any:
    id_ = root.get("id")
    if id_ and _is_foreign(id_.value):
        id_.set_aside(COPY)
        return None
    return identifier(id_)


def _is_foreign(value: object) -> bool:
    return isinstance(value, str) and not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)
