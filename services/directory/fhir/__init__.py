"""The directory in FHIR R4: practitioners, roles, organizations and endpoints, read and searched.

Owns the resources and the search parameters. Refuses writing.
"""
