"""A function that pushes results, read as an iterator: in step with its reader, and ended with it."""

import threading

import pytest

from playground.concurrency.pushed_iterator import pushed_iterator


def test_items_come_in_step():
    """Guards against work that runs ahead of its reader, and items lost or out of order."""
    pushed = []

    def work(push):
        for number in range(4):
            pushed.append(number)
            push(number)

    items = pushed_iterator(work)
    assert not pushed, "nothing is computed before the first item is asked for"
    assert next(items) == 0 and pushed == [0]
    assert list(items) == [1, 2, 3]


def test_closing_ends_the_work():
    """Guards against a thread that works on for nobody: the work sees an exception, so it can clean up."""
    cleaned_up = threading.Event()

    def work(push):
        try:
            while True:
                push("item")
        finally:
            cleaned_up.set()

    items = pushed_iterator(work)
    assert next(items) == "item"
    items.close()
    assert cleaned_up.wait(10)


def test_an_error_of_the_work_is_raised():
    """Guards against an iterator that ends as if all were done."""

    def work(push):
        push("item")
        raise ValueError("no")

    items = pushed_iterator(work)
    assert next(items) == "item"
    with pytest.raises(ValueError, match="no"):
        next(items)
