"""Entries that can be found, their tags, the code list of specialties, and imports."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_IMPORTED = sa.text("practitioner_id IS NULL")


def upgrade() -> None:
    _listing()
    _tags()
    _specialties()
    _imports()


def _listing() -> None:
    op.create_table(
        "listing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("npi", sa.String(length=10), nullable=True),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("words", sa.String(length=700), nullable=False),
        sa.Column("organization_name", sa.String(length=300), nullable=True),
        sa.Column("organization_words", sa.String(length=700), nullable=False),
        sa.Column("line", sa.String(length=200), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("cell", sa.Integer(), nullable=True),
        sa.Column("telehealth", sa.Boolean(), nullable=True),
        sa.Column("accepting", sa.Boolean(), nullable=True),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_listing_practitioner_id_practitioner"),
        sa.PrimaryKeyConstraint("id", name="pk_listing"),
        sa.UniqueConstraint("practitioner_id", name="uq_listing_practitioner_id"),
    )
    op.create_index("ix_listing_npi", "listing", ["npi"])
    op.create_index(
        "uq_listing_imported_npi", "listing", ["npi"], unique=True, postgresql_where=_IMPORTED, sqlite_where=_IMPORTED
    )


def _tags() -> None:
    op.create_table(
        "listing_tag",
        sa.Column("tag", sa.String(length=80), nullable=False),
        sa.Column("cell", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name="fk_listing_tag_listing_id_listing", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tag", "cell", "listing_id", name="pk_listing_tag"),
    )
    op.create_index("ix_listing_tag_listing", "listing_tag", ["listing_id"])


def _specialties() -> None:
    op.create_table(
        "specialty",
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("grouping", sa.String(length=200), nullable=False),
        sa.Column("classification", sa.String(length=200), nullable=False),
        sa.Column("specialization", sa.String(length=200), nullable=False),
        sa.Column("display", sa.String(length=300), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("words", sa.String(length=700), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_specialty"),
    )


def _imports() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_import_run"),
    )
    op.create_index("ix_import_run_file_sha256", "import_run", ["file_sha256"])
