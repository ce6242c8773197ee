"""What the FHIR face of the directory can do, as a `CapabilityStatement` says it.

Owns the list of search parameters, read off the queries themselves. Refuses to promise what no query knows.
"""

from __future__ import annotations

from services.chassis import fhir
from services.chassis.fhir import Members

from .fhir_search import INCLUDES, EndpointSearch, OrganizationSearch, PractitionerSearch, RoleSearch, Search

_CHANGED = "2026-11-28"
# The types of parameters that FHIR defines, where it is not a token (R4, each resource's search parameters).
_TYPES = {
    "family": "string",
    "given": "string",
    "location.near": "special",
    "name": "string",
    "organization": "reference",
    "partof": "reference",
    "practitioner": "reference",
}
_CHAIN = "location."
_SEARCHES: dict[str, type[Search]] = {
    "Endpoint": EndpointSearch,
    "Organization": OrganizationSearch,
    "Practitioner": PractitionerSearch,
    "PractitionerRole": RoleSearch,
}
_RESULT = {"_count", "_format", "_include", "cursor"}


def statement(base: str) -> Members:
    """What this server can do with the resources of the directory; `base` is the address of the FHIR face."""
    resources = [_offered(type_, search) for type_, search in _SEARCHES.items()]
    return fhir.capabilities(base, "Concord, a directory of clinicians", _CHANGED, resources)


def _offered(type_: str, search: type[Search]) -> Members:
    names = [field.alias or name for name, field in search.model_fields.items()]
    parameters = [(name, _type(name)) for name in names if name not in _RESULT]
    include = {"searchInclude": list(INCLUDES)} if "include" in search.model_fields else {}
    return fhir.offered(type_, parameters, **include)


def _type(name: str) -> str:
    return _TYPES.get(name) or ("string" if name.startswith(_CHAIN) else "token")
