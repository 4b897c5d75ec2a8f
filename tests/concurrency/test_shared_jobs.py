"""Jobs that several callers wait for: started once, cancelled by the last one who leaves."""

import threading

import pytest

from playground.concurrency.shared_jobs import SharedJobs


class Cancelled(Exception):
    """As the work's owner defines it."""


class Work:
    """Work that waits until it may end, and counts its starts."""

    def __init__(self):
        self.starts, self.may_end, self.ended = 0, threading.Event(), threading.Event()

    def __call__(self, report):
        self.starts += 1
        report("working", 0.5)
        try:
            while not self.may_end.wait(0.001):
                report("working", 0.5)
        finally:
            self.ended.set()
        return "result"


def test_one_job_for_all_and_its_status():
    """Guards against work done as often as it is asked for, and a status without its message, share or result."""
    jobs, work = SharedJobs(Cancelled), Work()
    first, second = (jobs.follow("key", work, 0.001) for _ in range(2))
    while next(first).message != "working":
        pass
    status = next(second)
    assert (status.message, status.share, status.result) == ("working", 0.5, None)
    work.may_end.set()
    assert [list(statuses)[-1].result for statuses in (first, second)] == ["result"] * 2 and work.starts == 1
    assert list(jobs.follow("key", lambda report: "next", 0.001))[-1].result == "next", "what is done is not kept"


def test_only_the_last_one_cancels():
    """Guards against one caller who takes the work from all others, and work that goes on for nobody."""
    jobs, work = SharedJobs(Cancelled), Work()
    first, second = (jobs.follow("key", work, 0.001) for _ in range(2))
    next(first), next(second)
    first.close()
    assert not work.ended.wait(0.05)
    second.close()
    assert work.ended.wait(10) and not work.may_end.is_set()


def test_an_error_reaches_all():
    """Guards against callers who wait for ever for work that failed."""
    jobs, go_on = SharedJobs(Cancelled), threading.Event()

    def fails(report):
        assert go_on.wait(10)
        raise ValueError("no")

    both = [jobs.follow("key", fails, 0.001) for _ in range(2)]
    for statuses in both:
        next(statuses)
    go_on.set()
    for statuses in both:
        with pytest.raises(ValueError, match="no"):
            list(statuses)


def test_work_cancelled_by_another_job_starts_again():
    """Guards against a caller who is told of a Cancel that was somebody else's."""
    jobs, starts = SharedJobs(Cancelled), []

    def work(report):
        starts.append(1)
        if len(starts) == 1:
            raise Cancelled  # as that other job's work, on which this one waited
        return "result"

    assert list(jobs.follow("key", work, 0.001))[-1].result == "result" and len(starts) == 2
