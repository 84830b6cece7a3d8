"""Late steps give way to early ones, one at a time, and nothing waits for ever."""

import threading
import time

import pytest
from byline.qa import turns as module
from byline.qa.turns import Turns


def test_one_ask_alone_waits_for_nothing() -> None:
    turns, began = Turns(), time.monotonic()
    for _ in range(100):
        with turns.early():
            pass
        assert turns.is_free
        with turns.late():
            pass
    assert time.monotonic() - began < 0.5


def test_a_late_step_waits_for_the_early_one_and_for_the_late_one_before_it() -> None:
    turns, order = Turns(), list[str]()

    def late(name: str) -> None:
        with turns.late():
            order.append(f"{name} begins")
            time.sleep(0.05)
            order.append(f"{name} ends")

    steps = [threading.Thread(target=late, args=(name,)) for name in ("one", "two")]
    with turns.early():
        for step in steps:
            step.start()
        time.sleep(0.1)
        order.append("early ends")
    for step in steps:
        step.join()
    assert order[0] == "early ends"
    assert order[1].removesuffix(" begins") == order[2].removesuffix(" ends")


def test_a_late_step_does_not_starve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.05)
    turns, began = Turns(), time.monotonic()
    with turns.early(), turns.late():
        assert 0.05 <= time.monotonic() - began < 1


def test_a_step_that_fails_leaves_its_place() -> None:
    turns = Turns()
    for step in (turns.early, turns.late):
        with pytest.raises(ZeroDivisionError), step():
            raise ZeroDivisionError
    assert turns.is_free
