"""Departments: the parts of an organization, and who works in them.

Owns the list, and who may change it. Refuses any right of its own: a department says where somebody works, and lets
nobody read anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.problems import Problem, invalid_field, not_found

from ..deps import Deps, acting, colleague
from ..lookup import organization, page_by_name
from ..models import Department, DepartmentMember, Practitioner, Team
from ..rules.people import administers, folded, skeleton_of
from ..rules.teams import why_no_name
from ..standing import administrator_only


def find(deps: Deps, organization_id: UUID, cursor: str | None, limit: int) -> tuple[Sequence[Department], str | None]:
    """One page of an organization's departments by name, and the cursor of the next. Raises problem 404."""
    organization(deps, organization_id)
    query = select(Department).where(Department.organization_id == organization_id)
    return page_by_name(deps, query, Department, cursor, limit)


def members(deps: Deps, department: UUID, cursor: str | None, limit: int) -> tuple[Sequence[Practitioner], str | None]:
    """One page of the people of a department by name, and the cursor of the next. Raises problem 404."""
    with deps.database.transaction() as session:
        if session.get(Department, department) is None:
            raise not_found("department")
    within = select(DepartmentMember.practitioner_id).where(DepartmentMember.department_id == department)
    return page_by_name(deps, select(Practitioner).where(Practitioner.id.in_(within)), Practitioner, cursor, limit)


def add(deps: Deps, caller: Caller, name: str) -> Department:
    """A new department of the caller's own organization.

    Raises problem 403 `administrator-only`, 409 `name-taken`, 422 for a name that cannot be one.
    """
    check_name(name)
    try:
        with deps.database.transaction() as session:
            place = administered(session, caller)
            row = Department(
                id=uuid4(),
                organization_id=place,
                name=" ".join(name.split()),
                folded=folded(name),
                look=skeleton_of(name),
                created_at=deps.clock.now(),
            )
            session.add(row)
            session.flush()
            _ = row.organization  # read while the transaction is open
    except IntegrityError:
        raise name_taken() from None
    return row


def remove(deps: Deps, caller: Caller, department: UUID) -> None:
    """End a department; its teams go on without one. Raises problem 403 `administrator-only`, 404."""
    with deps.database.transaction() as session:
        row = _administered_department(session, caller, department)
        session.execute(delete(DepartmentMember).where(DepartmentMember.department_id == row.id))
        session.execute(update(Team).where(Team.department_id == row.id).values(department_id=None))
        session.delete(row)


def join(deps: Deps, caller: Caller, department: UUID, practitioner: UUID) -> None:
    """Somebody works in a department; again: changes nothing.

    Raises problem 403 `administrator-only`, 404, 409 `not-a-colleague`.
    """
    with deps.database.transaction() as session:
        row = _administered_department(session, caller, department)
        colleague(session, practitioner, row.organization_id)
        session.merge(DepartmentMember(department_id=row.id, practitioner_id=practitioner))


def leave(deps: Deps, caller: Caller, department: UUID, practitioner: UUID) -> None:
    """Somebody works there no more, or never did. Raises problem 403 `administrator-only`, 404."""
    with deps.database.transaction() as session:
        row = _administered_department(session, caller, department)
        theirs = (DepartmentMember.department_id == row.id, DepartmentMember.practitioner_id == practitioner)
        session.execute(delete(DepartmentMember).where(*theirs))


def administered(session: Session, caller: Caller) -> UUID:
    """The organization that the caller may act for as a whole. Raises problem 403 `administrator-only`."""
    member = acting(session, caller)
    if not administers(member, member.organization):
        raise administrator_only()
    return member.organization


def check_name(name: str) -> None:
    """Raises problem 422 for a name that nothing of an organization may have."""
    if wrong := why_no_name(name):
        raise invalid_field("name", wrong)


def name_taken() -> Problem:
    """A department or an active team of the organization has a name that reads like this one."""
    detail = "Your organization has one with this name, or with one that looks like it. Use another name."
    return Problem(409, "name-taken", "Name taken", detail, field="name")


def _administered_department(session: Session, caller: Caller, department: UUID) -> Department:
    """The row of a department of the caller's own organization, locked: one change of it at a time."""
    place = acting(session, caller)
    row = session.get(Department, department, with_for_update={"of": Department})
    if row is None:
        raise not_found("department")
    if not administers(place, row.organization_id):
        raise administrator_only()
    return row
