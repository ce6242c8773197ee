"""What becomes of letters on their way when somebody is suspended: those that wait, and those that are being read."""

from __future__ import annotations

import threading
import time

import pytest

from services.messaging import models, projections
from services.messaging.handout import HandoutEndedError

from .test_handout import BODY, begin
from .test_held import hold, state
from .world import World, framed

WHO = ["sender", "recipient"]


def suspend(world: World, who: str, *, back: bool = False) -> None:
    """Let the directory tell that somebody was suspended, or let go again."""
    person = world.physician if who == "sender" else world.psychologist
    handler = projections.practitioner_reinstated if back else projections.practitioner_suspended
    world.told(handler, practitioner=person.id)


@pytest.mark.parametrize("who", WHO)
def test_a_held_letter_is_refused_when_its_time_comes(world: World, who: str) -> None:
    (letter,) = hold(world)
    suspend(world, who)
    assert world.desk.held.release_due() == 1
    assert state(world, letter) == ("refused", f"{who}-suspended")
    assert world.inbox() == []
    assert world.rows(models.ChunkRow) == world.rows(models.HeldRow) == []


@pytest.mark.parametrize("who", WHO)
def test_a_held_letter_is_decided_on_by_the_standing_of_then(world: World, who: str) -> None:
    """Suspended and back while it waited: nothing speaks against it."""
    (letter,) = hold(world)
    suspend(world, who)
    suspend(world, who, back=True)
    world.desk.held.release_due()
    assert state(world, letter) == ("released", None)


@pytest.mark.parametrize("who", WHO)
def test_a_download_on_its_way_ends_at_its_next_window(world: World, who: str) -> None:
    """Each window is decided on anew; what has left before is not called back."""
    address, windows = begin(world)
    received = next(windows)
    if not world.desk.gate.hold_while_sending:
        suspend(world, who)
    else:
        suspending = threading.Thread(target=suspend, args=(world, who))
        suspending.start()
        suspending.join(0.2)
        assert suspending.is_alive(), "a suspension waits for the window that is on its way"
    with pytest.raises(HandoutEndedError):
        for window in windows:
            received += window
            time.sleep(0.05)
    assert len(received) < len(framed(address, BODY))
