"""What an operator is told when a standby did not take over: before the old primary is fenced off, and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import promote, remembered
from deploy.compose import ComposeError


class Deployment:
    """A standby that follows, and the call that fails, once."""

    def __init__(self) -> None:
        self.recovering = True
        self.breaks: tuple[str, BaseException] | None = None

    def compose(self, *words: str) -> str:
        if self.breaks and self.breaks[0] in " ".join(words):
            how, self.breaks = self.breaks[1], None
            raise how
        if "pg_ctl" in words:
            self.recovering = False
        return ""

    def takes_writes(self, _service: str) -> bool:
        return not self.recovering


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    made = Deployment()
    monkeypatch.setattr(promote, "compose", made.compose)
    monkeypatch.setattr(promote, "takes_writes", made.takes_writes)
    monkeypatch.setattr(promote, "_lacks_nothing", lambda: None)
    monkeypatch.setattr(remembered, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["promote", "--yes"])
    return made


def test_a_standby_takes_over(deployment: Deployment) -> None:
    promote.main()
    assert not deployment.recovering
    with pytest.raises(SystemExit, match="takes writes already\nhint: there is nothing left"):
        promote.main()


def test_before_the_fence_the_old_primary_can_go_on(deployment: Deployment) -> None:
    deployment.breaks = ("stop", ComposeError("no"))
    with pytest.raises(SystemExit, match="goes on with the old primary"):
        promote.main()


@pytest.mark.parametrize("how", [ComposeError("no"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("where", ["--entrypoint bash postgresql", "pg_ctl promote"])
def test_after_the_fence_it_is_run_again(deployment: Deployment, where: str, how: BaseException) -> None:
    deployment.breaks = (where, how)
    with pytest.raises(SystemExit, match="run the same again"):
        promote.main()
    deployment.breaks = ("stop", ComposeError("no"))
    with pytest.raises(SystemExit, match="fenced off"):
        promote.main()
    promote.main()
    assert not deployment.recovering
