"""The migrations and the models say the same, on both databases."""

from __future__ import annotations

from services.chassis import migrate
from services.chassis.db import Database
from services.consent.models import Base


def test_a_migrated_database_is_what_the_models_say(database: Database) -> None:
    assert migrate.differences(database, "consent", Base.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate.upgrade(database, "consent")
    migrate.upgrade(database, "consent")
