"""Entries that can be found, their tags, the code list of specialties, and imports.

Whoever is enrolled already gets an entry, with what their account says; nobody has confirmed it yet.
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op
from concord_formats.names import searchable

revision = "0009"
down_revision = "0008"

_IMPORTED = sa.text("practitioner_id IS NULL")


def upgrade() -> None:
    _listing()
    _tags()
    _specialties()
    _imports()
    for statement in TRIGRAMS[op.get_bind().dialect.name]:
        op.execute(statement)
    _fill()


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
        sa.Column("plans", sa.JSON(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_listing_practitioner_id_practitioner"),
        sa.PrimaryKeyConstraint("id", name="pk_listing"),
        sa.UniqueConstraint("practitioner_id", name="uq_listing_practitioner_id"),
    )
    op.create_index("ix_listing_npi", "listing", ["npi"])
    op.create_index("ix_listing_cell", "listing", ["cell", "lat", "lon"])
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


def _fill() -> None:
    """An entry for every practitioner who enrolled. `searchable` is today's: it must be that of the search."""
    listings, tags = [], []
    enrolled = sa.select(_PRACTITIONER, _ORGANIZATION.c.name.label("organization")).join_from(
        _PRACTITIONER, _ORGANIZATION, _PRACTITIONER.c.organization_id == _ORGANIZATION.c.id
    )
    people = op.get_bind().execute(
        enrolled.where(_PRACTITIONER.c.role == "practitioner", _PRACTITIONER.c.status != "invited")
    )
    for person in people:
        id_ = uuid4()
        listings.append(
            {
                "id": id_,
                "practitioner_id": person.id,
                "kind": "individual",
                "npi": person.npi,
                "name": person.name,
                "words": f" {searchable(person.name)} ",
                "organization_name": person.organization,
                "organization_words": f" {searchable(person.organization)} ",
                "shown": person.status == "active",
                "hidden": False,
            }
        )
        codes = [f"{kind}:{person.taxonomy}" for kind in ("specialty", "own-specialty") if person.taxonomy]
        said = ["enrolled:yes", *codes]
        tags += [{"tag": tag, "cell": 0, "listing_id": id_} for tag in said]
    for table, rows in ((_LISTING, listings), (_TAG, tags)):
        for start in range(0, len(rows), BATCH):
            op.bulk_insert(table, rows[start : start + BATCH])


# Rows in one statement, of a few hundred bytes each.
BATCH = 500

_PRACTITIONER = sa.table(
    "practitioner",
    *(sa.column(name, sa.Uuid()) for name in ("id", "organization_id")),
    *(sa.column(name, sa.String()) for name in ("name", "npi", "taxonomy", "role", "status")),
)
_ORGANIZATION = sa.table("organization", sa.column("id", sa.Uuid()), sa.column("name", sa.String()))
_LISTING = sa.table(
    "listing",
    *(sa.column(name, sa.Uuid()) for name in ("id", "practitioner_id")),
    *(sa.column(name, sa.String()) for name in ("kind", "npi", "name", "words")),
    *(sa.column(name, sa.String()) for name in ("organization_name", "organization_words")),
    *(sa.column(name, sa.Boolean()) for name in ("shown", "hidden")),
)
_TAG = sa.table(
    "listing_tag", sa.column("tag", sa.String()), sa.column("cell", sa.Integer()), sa.column("listing_id", sa.Uuid())
)

# Of each dialect, what finds a name however it was typed. Rows of SQLite's have numbers of their own: those that SQLite
# gives to the rows of `listing` may change with a VACUUM.
TRIGRAMS = {
    "postgresql": [
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        *(
            f"CREATE INDEX ix_listing_{kept}{words} ON listing USING gin ({words} gin_trgm_ops){where}"
            for words in ("words", "organization_words")
            for kept, where in (("", ""), ("own_", " WHERE practitioner_id IS NOT NULL"))
        ),
    ],
    "sqlite": [
        "CREATE TABLE listing_fts_row (n INTEGER PRIMARY KEY, listing_id CHAR(32) NOT NULL UNIQUE)",
        "CREATE VIRTUAL TABLE listing_fts USING fts5(words, organization_words, tokenize = 'trigram')",
        "CREATE TRIGGER listing_fts_insert AFTER INSERT ON listing BEGIN "
        "INSERT INTO listing_fts_row (listing_id) VALUES (new.id); "
        "INSERT INTO listing_fts (rowid, words, organization_words) "
        "SELECT n, new.words, new.organization_words FROM listing_fts_row WHERE listing_id = new.id; END",
        "CREATE TRIGGER listing_fts_update AFTER UPDATE OF words, organization_words ON listing "
        "WHEN new.words <> old.words OR new.organization_words <> old.organization_words BEGIN "
        "UPDATE listing_fts SET words = new.words, organization_words = new.organization_words "
        "WHERE rowid = (SELECT n FROM listing_fts_row WHERE listing_id = new.id); END",
        "CREATE TRIGGER listing_fts_delete AFTER DELETE ON listing BEGIN "
        "DELETE FROM listing_fts WHERE rowid = (SELECT n FROM listing_fts_row WHERE listing_id = old.id); "
        "DELETE FROM listing_fts_row WHERE listing_id = old.id; END",
    ],
}
