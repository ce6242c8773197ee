"""Reading the provision of a FHIR R4 `Consent`: who may disclose what to whom, why, and until when.

Owns the two shapes that are understood: a root rule with one permit in it for each way, and a root rule that is itself
the one permit. Refuses an absent list, which in FHIR allows everything; a rule that denies, which is no part of a
consent but a restriction that a provider agrees to; two rules that differ in more than the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..vocabulary import ExpiryEvent, Information, Purpose, Sensitivity
from . import codes
from .codes import Code, Extension
from .elements import Word, coding, concept, extensions, party, person, single, word
from .moments import Midnight, read_instant, read_start, read_until
from .record import Acceptance, NamedByNpi, Party
from .walk import MISSING, Element

Actor = Party | NamedByNpi
_PERIOD = "must be an instant with its zone, or a day where the zone is known"
_UNKNOWN = {"extension": [{"url": codes.DATA_ABSENT, "valueCode": "unknown"}]}


@dataclass(frozen=True)
class Rules:
    """What the provision says, in the words of a record."""

    discloser: Actor
    recipient: Actor
    mutual: bool
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    expires_on: ExpiryEvent | None
    accepted: tuple[Acceptance | None, Acceptance | None]


@dataclass(frozen=True)
class _Permit:
    way: tuple[Actor, Actor]
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    accepted: Acceptance | None

    def mirrors(self, other: _Permit) -> bool:
        """Whether this is the same the other way."""
        same = (self.purposes, self.information, self.sensitivity)
        return self.way == other.way[::-1] and same == (other.purposes, other.information, other.sensitivity)


def rules(root: Element, midnight: Midnight | None) -> Rules | None:
    """What the provision says; None when something in it was refused."""
    if not root:
        root.refuse(MISSING)
        return None
    nested = root.items("provision")
    own = extensions(root, (Extension.EXPIRES_ON,) if nested else (Extension.EXPIRES_ON, Extension.ACCEPTED))
    event = single(own[Extension.EXPIRES_ON])
    expires_on = word(ExpiryEvent, event.get("valueCode")) if event else None
    window = _window(root.get("period"), midnight)
    permits = _permits(root, nested) if nested else [_permit(root, own[Extension.ACCEPTED])]
    read_whole = [each for each in permits if each]
    if window is None or len(read_whole) < len(permits):
        return None
    return _together(nested, read_whole, window, expires_on)


def _window(period: Element, midnight: Midnight | None) -> tuple[datetime, datetime] | None:
    for name in ("start", "end"):
        if not period.get(name):
            period.get(name).refuse(MISSING)
    start = period.get("start").read(lambda text: read_start(text, midnight), _PERIOD)
    until = period.get("end").read(lambda text: read_until(text, midnight), _PERIOD)
    if start is None or until is None:
        return None
    if until <= start:
        period.refuse("ends before it begins")
        return None
    return start, until


def _permits(root: Element, nested: Sequence[Element]) -> list[_Permit | None]:
    """The rules within the root."""
    if type_ := root.get("type"):
        type_.refuse("the root rule of R4 has no type beside the rules in it")
    for each in nested[2:]:
        each.refuse("a consent has one rule for each way, two at most")
    return [_permit(each, extensions(each, (Extension.ACCEPTED,))[Extension.ACCEPTED]) for each in nested[:2]]


def _permit(rule: Element, accepted: list[Element]) -> _Permit | None:
    type_ = rule.get("type")
    if (said := type_.text()) == "deny":
        rule.refuse("denies: that is a restriction, which a provider agrees to")
        return None
    if said != "permit":
        type_.refuse("must be permit")
    for action in rule.items("action"):
        if set(concept(action)) != {codes.DISCLOSE}:
            action.refuse("must be disclose")
    way, purposes, kinds = _way(rule), _listed(rule, "purpose", _purpose), _listed(rule, "code", _kind)
    labels, by = _labels(rule), single(accepted)
    acceptance = _acceptance(by) if by else None
    if way is None or purposes is None or kinds is None or labels is None:
        return None
    return _Permit(way, purposes, kinds, labels, acceptance)


def _way(rule: Element) -> tuple[Actor, Actor] | None:
    """Discloser and recipient: one of each."""
    sides: dict[str, Actor] = {}
    actors = rule.items("actor")
    for actor in actors:
        role = concept(actor.get("role"))
        side = codes.ROLES.get(role[0]) if len(role) == 1 else None
        found = party(actor.get("reference"))
        if side is None or side in sides:
            actor.get("role").refuse("must be CST once, for who discloses, and IRCP once, for who receives")
        elif found:
            sides[side] = found
    if not actors:
        rule.get("actor").refuse(MISSING)
    if len(sides) < 2 and len(actors) == 1:
        rule.get("actor").refuse("must name who discloses and who receives")
    return (sides["discloser"], sides["recipient"]) if len(sides) == 2 else None


def _listed(rule: Element, name: str, reader: Callable[[Element], Word | None]) -> frozenset[Word] | None:
    """A list of codes, each of which must be understood."""
    items = _said(rule, name)
    if items is None:
        return None
    found = [reader(item) for item in items]
    words = [each for each in found if each is not None]
    return frozenset(words) if len(words) == len(found) else None


def _said(rule: Element, name: str) -> list[Element] | None:
    """The items of a list; none where a draft says that it does not know them yet; None where the list is absent."""
    items = rule.items(name)
    if not items:
        rule.get(name).refuse(f"{MISSING}: without it, everything would be allowed")
        return None
    if len(items) == 1 and items[0].value == _UNKNOWN:
        items[0].settle()
        return []
    return items


def _purpose(element: Element) -> Purpose | None:
    code = coding(element)
    found = next((purpose for purpose, each in codes.PURPOSES.items() if each == code), None)
    if code and not found:
        element.refuse("must be a purpose of Concord's vocabulary")
    return found


def _kind(element: Element) -> Information | None:
    said = concept(element)
    own = [code.code for code in said if code.system == codes.OWN_INFORMATION]
    others = {code for code in said if code.system != codes.OWN_INFORMATION}
    candidates = [
        kind for kind, loinc in codes.KINDS.items() if ([kind.value] == own) or (not own and {loinc} == others)
    ]
    if said and (not candidates or not others <= {codes.KINDS[candidates[0]]}):
        element.refuse("must be a kind of information of Concord's vocabulary")
        return None
    return candidates[0] if candidates else None


def _labels(rule: Element) -> frozenset[Sensitivity] | None:
    items = _said(rule, "securityLabel")
    if items is None:
        return None
    said = [(item, coding(item)) for item in items]
    codes_said = {code for _, code in said if code}
    own = {code for code in codes_said if code.system == codes.OWN_SENSITIVITY}
    known = _own_labels(own) if own else _labels_of(codes_said)
    covered = own | {code for label in known for code in codes.SENSITIVITIES[label]}
    unknown = [item for item, code in said if code and (code not in covered or not _is_label(code))]
    for item in unknown:
        item.refuse("is no sensitivity of Concord's, or only a part of one: it would become wider")
    return None if unknown else frozenset(known)


def _own_labels(said: set[Code]) -> list[Sensitivity]:
    return [label for label in Sensitivity if Code(codes.OWN_SENSITIVITY, label.value) in said]


def _labels_of(said: set[Code]) -> list[Sensitivity]:
    """The labels all of whose codes are there."""
    return [label for label, each in codes.SENSITIVITIES.items() if each and said.issuperset(each)]


def _is_label(code: Code) -> bool:
    return code.system != codes.OWN_SENSITIVITY or code.code in set(Sensitivity)


def _acceptance(element: Element) -> Acceptance | None:
    inner = {name: single(found) for name, found in extensions(element, ("at", "by")).items()}
    at = inner["at"].get("valueInstant").read(read_instant, "must be an instant with its zone") if inner["at"] else None
    by = person(inner["by"].get("valueReference")) if inner["by"] else None
    if at is None or by is None:
        element.refuse("must say when, and by whom")
        return None
    return Acceptance(at, by)


def _together(
    nested: Sequence[Element],
    permits: Sequence[_Permit],
    window: tuple[datetime, datetime],
    expires_on: ExpiryEvent | None,
) -> Rules | None:
    first = permits[0]
    if len(permits) == 2 and not permits[1].mirrors(first):
        nested[1].refuse("must say the same as the first rule, the other way round")
        return None
    back = permits[1].accepted if len(permits) == 2 else None
    return Rules(
        *first.way,
        mutual=len(permits) == 2,
        purposes=first.purposes,
        information=first.information,
        sensitivity=first.sensitivity,
        valid_from=window[0],
        valid_until=window[1],
        expires_on=expires_on,
        accepted=(first.accepted, back),
    )
