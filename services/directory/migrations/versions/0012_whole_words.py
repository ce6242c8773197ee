"""Names by their whole words, and who is in a square without a look at the entry.

Trigrams find what was typed wrongly; for whole words they read and put together long lists of common parts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for statement in _NAMED:
        op.execute(statement)
    op.drop_index("ix_listing_cell", "listing")
    op.create_index("ix_listing_cell", "listing", ["cell", "lat", "lon"], postgresql_include=["id"])


_NAMED = [
    sa.text(f"CREATE INDEX {name} ON listing USING gin (string_to_array(btrim({words}), ' ')){where}")
    for name, words, where in (
        ("ix_listing_named", "words", ""),
        ("ix_listing_own_named", "words", " WHERE practitioner_id IS NOT NULL"),
        ("ix_listing_organization_named", "organization_words", ""),
    )
]
