"""A directory older than its listings: whoever is enrolled gets an entry, and names are found as they change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from sqlalchemy import column, select, table, text

from services.chassis import migrate
from services.chassis.db import Database
from services.directory import models
from services.directory.finding.listing_candidates_sqlite import FullText
from services.directory.finding.listing_criteria import How
from tests.unit.directory.house import House
from tests.unit.directory.listing_people import change, imported

BEFORE = "0008"
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Database:
    """An empty database, of either kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql")  # type: ignore[no-any-return]
    return Database(f"sqlite:///{tmp_path}/directory.db")


def enrolled_before(database: Database, **members: Any) -> UUID:
    """An account as the version before wrote it."""
    place, person = uuid4(), uuid4()
    row = {"id": person, "organization_id": place, "role": "practitioner", "npi": None, "status": "active"}
    row |= {"name": "Zoë O'Brien", "folded": "zoë o'brien", "created_at": NOW, "taxonomy": None} | members
    columns = {name: getattr(models.Practitioner, name).type for name in row}
    practitioner = table("practitioner", *(column(name, kind) for name, kind in columns.items()))
    with database.transaction() as session:
        organization = models.Organization.__table__.insert()
        session.execute(organization.values(id=place, name="North Clinic", folded="north clinic", created_at=NOW))
        session.execute(practitioner.insert().values(row))
    return person


def test_whoever_is_enrolled_gets_an_entry_that_nobody_has_confirmed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        real = command.upgrade
        patched.setattr(migrate.command, "upgrade", lambda config, _: real(config, BEFORE))
        migrate.upgrade(database, "directory")
    zoe = enrolled_before(database, taxonomy="103T00000X", npi="1234567893")
    gone = enrolled_before(database, status="suspended")
    enrolled_before(database, status="invited")
    enrolled_before(database, role="administrator")
    migrate.upgrade(database, "directory")
    with database.transaction() as session:
        rows = {row.practitioner_id: row for row in session.scalars(select(models.Listing))}
        tags = session.scalars(select(models.ListingTag.tag).where(models.ListingTag.listing_id == rows[zoe].id)).all()
    assert set(rows) == {zoe, gone}
    assert (rows[zoe].words, rows[zoe].organization_words) == (" zoe obrien ", " north clinic ")
    assert (rows[zoe].npi, rows[zoe].shown, rows[zoe].hidden, rows[zoe].confirmed_at) == (
        "1234567893",
        True,
        False,
        None,
    )
    assert set(tags) == {"enrolled:yes", "specialty:103T00000X", "own-specialty:103T00000X"}
    assert rows[gone].shown is False


def test_on_sqlite_the_words_follow_their_entry_also_after_a_vacuum(house: House) -> None:
    one, other = imported(house, "Noor Haddad"), imported(house, "Jane Stone")

    def having(word: str) -> list[UUID]:
        index = FullText()
        with house.database.transaction() as session:
            index.prepare(session, How.EXACTLY)
            return list(session.scalars(select(models.Listing.id).where(index.having(["words"], [word]))))

    assert (having("haddad"), having("stone")) == ([one], [other])
    change(house, one, words=" noor whitfield ")
    assert (having("haddad"), having("whitfield")) == ([], [one])
    with house.database.transaction() as session:
        session.delete(session.get_one(models.Listing, one))
    with house.database.engine.connect() as connection:
        connection.connection.driver_connection.execute("VACUUM")  # type: ignore[union-attr]
    assert (having("whitfield"), having("stone")) == ([], [other])
    with house.database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM listing_fts")) == 1
