"""Walking a resource so that nothing in it goes unseen.

Owns the note of what was read, what was set aside and what cannot be represented. Refuses silence: what nobody asked
for is listed in the end, with its path. Sources: FHIR R4, JSON representation; FHIRPath for paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Value = TypeVar("Value")
_Steps = tuple[str | int, ...]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
NO_PLACE = "Concord has no place for it"
MISSING = "is missing"


@dataclass(frozen=True, order=True)
class Place:
    """An element and what is said of it; `detail` never holds the element's value."""

    path: str
    detail: str


class NotRepresentableError(ValueError):
    """A consent cannot be represented; `places` lists every element that is in the way."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        super().__init__("; ".join(f"{place.path}: {place.detail}" for place in places))
        self.places = places


@dataclass
class Walk:
    """What is known of a resource so far. With `ignoring`, wording may be set aside; it is listed in `ignored`."""

    resource: Mapping[str, Any]
    ignoring: bool
    refused: list[Place] = field(default_factory=list)
    ignored: list[Place] = field(default_factory=list)
    seen: set[_Steps] = field(default_factory=set)
    settled: set[_Steps] = field(default_factory=set)

    @property
    def root(self) -> Element:
        """The resource itself."""
        return Element(self, (), self.resource)

    def finish(self) -> None:
        """Raise `NotRepresentableError` if anything was refused or never asked for."""
        self.refused += [Place(shown(steps), NO_PLACE) for steps in self._unseen((), self.resource)]
        if self.refused:
            raise NotRepresentableError(outermost(self.refused))

    def _unseen(self, steps: _Steps, value: object) -> Iterator[_Steps]:
        """The topmost elements that nobody looked at."""
        if steps in self.settled:
            return
        if steps and steps not in self.seen:
            yield steps
        elif isinstance(value, Mapping):
            for name, each in value.items():
                yield from self._unseen((*steps, name), each)
        elif isinstance(value, list):
            for place, each in enumerate(value):
                yield from self._unseen((*steps, place), each)


@dataclass(frozen=True)
class Element:
    """One element of a resource, there or not."""

    walk: Walk
    steps: _Steps
    value: object

    @property
    def path(self) -> str:
        """Where it stands, without `Consent`."""
        return shown(self.steps)

    def __bool__(self) -> bool:
        return self.value is not None

    def get(self, name: str) -> Element:
        """A member of this object; absent when there is none."""
        if self.value is not None and not isinstance(self.value, Mapping):
            self.refuse("must be an object")
        value = self.value.get(name) if isinstance(self.value, Mapping) else None
        return self._inside(name, value)

    def items(self, name: str) -> list[Element]:
        """The elements of a list, none when it is absent."""
        whole = self.get(name)
        if not isinstance(whole.value, list):
            if whole:
                whole.refuse("must be a list")
            return []
        return [whole._inside(place, each) for place, each in enumerate(whole.value)]

    def text(self) -> str | None:
        """The text of this element, None when it is absent or none."""
        return self.read(lambda value: value if isinstance(value, str) else None, "must be a text")

    def read(self, reader: Callable[[Any], Value | None], detail: str) -> Value | None:
        """What `reader` makes of the value; when that is None or a ValueError, it is refused with `detail`."""
        if self.value is None:
            return None
        try:
            found = reader(self.value)
        except (ValueError, TypeError, AttributeError, OverflowError):
            found = None
        if found is None:
            self.refuse(detail)
        return found

    def refuse(self, detail: str) -> None:
        """Note that this cannot be represented: all of it, so that what is inside is not listed again."""
        self.settle()
        self.walk.refused.append(Place(self.path, detail))

    def settle(self) -> None:
        """Note that all of this was understood, whatever is inside."""
        self.walk.settled.add(self.steps)

    def set_aside(self, why: str) -> None:
        """Leave this out and say so, if that is allowed; refuse it otherwise. Nothing when it is absent."""
        if not self:
            return
        self.settle()
        to = self.walk.ignored if self.walk.ignoring else self.walk.refused
        to.append(Place(self.path, why))

    def _inside(self, step: str | int, value: object) -> Element:
        steps = (*self.steps, step)
        if value is not None:
            self.walk.seen.add(steps)
        return Element(self.walk, steps, value)


def outermost(places: Iterable[Place]) -> tuple[Place, ...]:
    """The places in the order of their paths, each once; one inside another goes without saying."""
    known = sorted(set(places))
    paths = {place.path for place in known}
    return tuple(place for place in known if not any(above in paths for above in _above(place.path)))


def _above(path: str) -> Iterator[str]:
    """`a.b[0]` stands in `a.b`, which stands in `a`."""
    return (path[: found.start()] for found in re.finditer(r"[.\[]", path))


def shown(steps: _Steps) -> str:
    """A path such as `provision.actor[0].role`; a name that no element has is shown as `?`."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step if _NAME.fullmatch(step) else '?'}"
    return path.removeprefix(".") or "resourceType"
