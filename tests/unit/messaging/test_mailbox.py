"""The mailbox: cursors that miss nothing, polls that wait and are woken, and never too many of them."""

from __future__ import annotations

import threading
import time

from services.chassis.clock import SystemClock
from services.messaging.mailbox import Mailbox
from tests.unit.chassis.plumbing import until

from .world import World


def mailbox(world: World, *, most_waiting: int = 2, longest_wait: float = 30.0) -> Mailbox:
    """A mailbox that counts real seconds."""
    return Mailbox(world.database, SystemClock(), world.notifier, most_waiting=most_waiting, longest_wait=longest_wait)


def test_a_cursor_goes_on_where_the_last_page_ended(world: World) -> None:
    letters = [world.send().letter for _ in range(5)]
    me = world.psychologist.id
    first = world.desk.mailbox.page(me, 0, 2, 0)
    second = world.desk.mailbox.page(me, first.entries[-1].place, 2, 0)
    third = world.desk.mailbox.page(me, second.entries[-1].place, 2, 0)
    assert [entry.letter for page in (first, second, third) for entry in page.entries] == letters
    assert world.desk.mailbox.page(me, 5, 2, 0).entries == []


def test_nobody_sees_the_mailbox_of_another(world: World) -> None:
    world.send()
    assert world.inbox(world.physician) == world.inbox(world.stranger) == []


def test_a_waiting_poll_ends_when_a_letter_comes(world: World) -> None:
    timer = threading.Timer(0.2, world.send)
    timer.start()
    started = time.monotonic()
    page = mailbox(world).page(world.psychologist.id, 0, 50, 30.0)
    assert len(page.entries) == 1
    assert time.monotonic() - started < 20
    timer.join()


def test_a_poll_waits_no_longer_than_it_may(world: World) -> None:
    started = time.monotonic()
    assert mailbox(world, longest_wait=0.2).page(world.psychologist.id, 0, 50, 60).entries == []
    assert 0.2 <= time.monotonic() - started < 20


def test_polls_beyond_the_cap_are_answered_at_once(world: World) -> None:
    box = mailbox(world, most_waiting=1)
    other = threading.Thread(target=box.page, args=(world.psychologist.id, 0, 50, 4.0))
    other.start()
    until(lambda: box._seats is not None and box._seats._value == 0)  # the other poll has the seat
    started = time.monotonic()
    assert box.page(world.physician.id, 0, 50, 5.0).crowded
    assert time.monotonic() - started < 3.0
    other.join()
    assert not box.page(world.physician.id, 0, 50, 0.05).crowded


def test_a_letter_between_the_look_and_the_wait_is_not_missed(world: World) -> None:
    """The letter comes right after the mailbox was looked at: the bell was there already, so the wait ends at once."""
    box = mailbox(world)
    look = box._read
    looks = []

    def look_then_send(*given):  # type: ignore[no-untyped-def]
        entries = look(*given)
        looks.append(1)
        if len(looks) == 2:  # the first look is before the bell, the second with it
            world.send()
        return entries

    box._read = look_then_send  # type: ignore[method-assign]
    started = time.monotonic()
    assert len(box.page(world.psychologist.id, 0, 50, 30.0).entries) == 1
    assert time.monotonic() - started < 20
