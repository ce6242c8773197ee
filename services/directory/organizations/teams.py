"""Teams: functional mailboxes, and who is a member of them.

Owns memberships and their end, which holds only once every enforcement point knows of it. Refuses a twenty-first
member, anybody of another organization, and a team that comes back: a closed one stays closed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.feed import Number
from services.chassis.problems import Problem, invalid_field, not_found

from .. import events
from ..deps import Deps, acting, colleague
from ..lookup import page_by_name
from ..models import Department, Practitioner, Team, TeamMember
from ..rules.people import Status, administers, folded, skeleton_of
from ..rules.teams import MAX_MEMBERS, MembershipStatus, TeamStatus, may_remove
from ..standing import Stopped, administrator_only, settled
from . import departments


@dataclass(frozen=True)
class ShownMember:
    """Somebody who is a member now."""

    practitioner: UUID
    name: str
    status: Status
    since: datetime


@dataclass(frozen=True)
class ShownTeam:
    """A team, and its present members by name."""

    team: Team
    members: Sequence[ShownMember]


@dataclass(frozen=True)
class WantedTeam:
    """What to look for; every member given must match."""

    organization: UUID | None = None
    name: str | None = None


def find(deps: Deps, wanted: WantedTeam, cursor: str | None, limit: int) -> tuple[Sequence[ShownTeam], str | None]:
    """One page of the active teams by name, and the cursor of the next. Raises problem 422 for a wrong cursor."""
    query = select(Team).where(Team.status == TeamStatus.ACTIVE)
    if wanted.organization is not None:
        query = query.where(Team.organization_id == wanted.organization)
    if wanted.name is not None:
        query = query.where(Team.folded.contains(folded(wanted.name), autoescape=True))
    rows, after = page_by_name(deps, query, Team, cursor, limit)
    with deps.database.transaction() as session:
        return _shown(session, rows), after


def show(deps: Deps, team: UUID) -> ShownTeam:
    """One team, also a closed one. Raises problem 404."""
    with deps.database.transaction() as session:
        row = session.get(Team, team)
        if row is None:
            raise not_found("team")
        return _shown(session, [row])[0]


def create(deps: Deps, caller: Caller, name: str, department: UUID | None) -> ShownTeam:
    """A team of the caller's own organization, without members yet.

    Raises problem 403 `administrator-only`, 409 `name-taken`, 422 for a name or a department that cannot be one.
    """
    departments.check_name(name)
    try:
        with deps.database.transaction() as session:
            place = departments.administered(session, caller)
            _check_department(session, department, place)
            row = Team(
                id=uuid4(),
                organization_id=place,
                department_id=department,
                name=" ".join(name.split()),
                folded=folded(name),
                look=skeleton_of(name),
                status=TeamStatus.ACTIVE,
                created_at=deps.clock.now(),
            )
            session.add(row)
            session.flush()
            _ = row.organization, row.department  # read while the transaction is open
    except IntegrityError:
        raise departments.name_taken() from None
    return ShownTeam(row, [])


def add_member(deps: Deps, caller: Caller, team: UUID, practitioner: UUID) -> ShownTeam:
    """Make somebody of the same organization a member; again: changes nothing.

    Raises problem 403 `administrator-only`, 404, 409 `not-a-colleague`, `team-closed` or `team-full`.
    """
    with deps.database.transaction() as session:
        row = _administered(session, caller, team)
        if row.status != TeamStatus.ACTIVE:
            raise _closed()
        colleague(session, practitioner, row.organization_id)
        membership = session.get(TeamMember, (team, practitioner))
        if membership is None or membership.status != MembershipStatus.MEMBER:
            _check_room(session, team)
            _admit(deps, session, row, membership or TeamMember(team_id=team, practitioner_id=practitioner))
        shown = _shown(session, [row])[0]
    deps.changed()
    return shown


def remove_member(deps: Deps, caller: Caller, team: UUID, practitioner: UUID) -> Stopped:
    """End a membership: what is sent to the team from now on, and what was not handed out yet, is not for them. Again:
    waits again, changes nothing.

    Raises problem 403 `administrator-only`, 404.
    """
    with deps.database.transaction() as session:
        row = _locked(session, team)
        if not may_remove(acting(session, caller), practitioner, row.organization_id):
            raise administrator_only()
        membership = session.get(TeamMember, (team, practitioner))
        if membership is None:
            raise not_found("member")
        if membership.status == MembershipStatus.MEMBER:
            _let_go(deps, session, row, membership)
        number = Number.known(membership.standing_epoch, membership.standing_seq)
    deps.changed()
    return settled(deps, number)


def close(deps: Deps, caller: Caller, team: UUID) -> Stopped:
    """End a team, and with it every membership, for good. Again: waits again, changes nothing.

    Raises problem 403 `administrator-only`, 404.
    """
    with deps.database.transaction() as session:
        row = _administered(session, caller, team)
        if row.status == TeamStatus.ACTIVE:
            row.status, row.closed_at = TeamStatus.CLOSED, deps.clock.now()
            for membership in session.scalars(_present(team)).all():
                _let_go(deps, session, row, membership)
        number, closed_at = Number.known(row.standing_epoch, row.standing_seq), row.closed_at
    deps.changed()
    # Nobody ever left: there is nothing to wait for.
    return settled(deps, number) if number else Stopped(closed_at)


def _admit(deps: Deps, session: Session, row: Team, membership: TeamMember) -> None:
    membership.status, membership.since = MembershipStatus.MEMBER, deps.clock.now()
    session.add(membership)
    events.team_member_added(deps.feed, session, row, membership.practitioner_id)


def _let_go(deps: Deps, session: Session, row: Team, membership: TeamMember) -> None:
    membership.status = MembershipStatus.REMOVED
    event = events.team_member_removed(deps.feed, session, row.id, membership.practitioner_id)
    membership.standing_epoch, membership.standing_seq = Number.of(event)
    row.standing_epoch, row.standing_seq = Number.of(event)


def _check_room(session: Session, team: UUID) -> None:
    """The team's row is locked: two administrators at once do not add a twenty-first together."""
    count = session.scalar(select(func.count()).select_from(_present(team).subquery())) or 0
    if count >= MAX_MEMBERS:
        detail = f"A letter goes to at most {MAX_MEMBERS} people, so a team has no more. Make a second team."
        raise Problem(409, "team-full", "Team full", detail)


def _check_department(session: Session, department: UUID | None, organization: UUID) -> None:
    """One of the same organization, which stays until this transaction has ended."""
    if department is None:
        return
    lock = {"read": True, "key_share": True, "of": Department}
    row = session.get(Department, department, with_for_update=lock)
    if row is None or row.organization_id != organization:
        raise invalid_field("department", "is none of your organization's")


def _present(team: UUID) -> Select[TeamMember]:
    return select(TeamMember).where(TeamMember.team_id == team, TeamMember.status == MembershipStatus.MEMBER)


def _shown(session: Session, rows: Sequence[Team]) -> list[ShownTeam]:
    query = (
        select(TeamMember.team_id, Practitioner.id, Practitioner.name, Practitioner.status, TeamMember.since)
        .join(Practitioner, Practitioner.id == TeamMember.practitioner_id)
        .where(TeamMember.team_id.in_([row.id for row in rows]), TeamMember.status == MembershipStatus.MEMBER)
        .order_by(Practitioner.folded, Practitioner.id)
    )
    members: dict[UUID, list[ShownMember]] = defaultdict(list)
    for team, id_, name, status, since in session.execute(query):
        members[team].append(ShownMember(id_, name, Status(status), since))
    return [ShownTeam(row, members[row.id]) for row in rows]


def _locked(session: Session, team: UUID) -> Team:
    """The row of a team, locked: one change of its memberships at a time. Raises problem 404."""
    row = session.get(Team, team, with_for_update={"of": Team})
    if row is None:
        raise not_found("team")
    return row


def _administered(session: Session, caller: Caller, team: UUID) -> Team:
    row = _locked(session, team)
    if not administers(acting(session, caller), row.organization_id):
        raise administrator_only()
    return row


def _closed() -> Problem:
    return Problem(409, "team-closed", "Team closed", "This team was closed, and takes no members. Make a new one.")
