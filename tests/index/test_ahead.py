"""What is made ahead comes in order, is bounded, and its errors reach the one who asks."""

import threading
import time
from collections.abc import Iterator

import pytest
from byline.index.ahead import ahead


def test_no_more_is_made_than_may_wait() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with ahead(numbers(), at_most=2) as found:
        assert next(found) == 0
        time.sleep(0.1)
        assert len(made) == 4  # one taken, two that wait, one in hand
    assert len(made) == 4
    assert "ahead" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_an_error_comes_after_what_was_made_before_it(error: BaseException) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise error

    with ahead(numbers()) as found:
        assert next(found) == 1
        with pytest.raises(type(error)):
            next(found)


def test_leaving_by_an_error_stops_the_thread() -> None:
    with pytest.raises(ZeroDivisionError), ahead(iter(range(10**9))) as found:
        assert 1 // next(found)
    assert "ahead" not in {thread.name for thread in threading.enumerate()}


def test_one_may_feed_another() -> None:
    with ahead(iter(range(50))) as numbers, ahead(n * n for n in numbers) as squares:
        assert list(squares) == [n * n for n in range(50)]
