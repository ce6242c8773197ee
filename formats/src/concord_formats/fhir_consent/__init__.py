"""FHIR R4 `Consent`, both ways: what goes out and comes in again is the same consent (`spec/fhir-consent.md`).

Owns the plain mapping between a record and a resource. Refuses to drop anything in silence, to widen a consent by
reading it, and I/O of any kind.
"""

from .moments import Midnight
from .reading import Reading, read_consent
from .record import (
    Acceptance,
    ConsentRecord,
    Deed,
    ForeignPatient,
    History,
    NamedByNpi,
    Party,
    Signed,
    Standing,
)
from .walk import NotRepresentableError, Place
from .writing import write_consent

__all__ = [
    "Acceptance",
    "ConsentRecord",
    "Deed",
    "ForeignPatient",
    "History",
    "Midnight",
    "NamedByNpi",
    "NotRepresentableError",
    "Party",
    "Place",
    "Reading",
    "Signed",
    "Standing",
    "read_consent",
    "write_consent",
]
