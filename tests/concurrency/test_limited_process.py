"""Jobs in a process with limits: what ends them, and what goes on."""

import threading

import pytest

from playground.concurrency import limited_process
from playground.concurrency.limited_process import MIB, ForkServer, JobFailed, LimitedProcess, LimitExceeded

JOBS = """
import os, re, signal
kept = []
def keep(value):
    kept.append(value)
    return kept
def fill(count):
    return len(bytearray(count))
def raise_error():
    raise KeyError("no such thing")
JOBS = {
    "keep": keep, "fill": fill, "raise": raise_error, "text": lambda count: "x" * count, "who": os.getpid,
    "spin": lambda: re.match("(a+)+$", "a" * 60 + "b"), "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": os.abort, "sleep": lambda: __import__("time").sleep(60),
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> ForkServer:
    jobs = tmp_path_factory.mktemp("jobs") / "jobs.py"
    jobs.write_text(JOBS)
    return ForkServer(jobs)


def ask(process: LimitedProcess, job: str, *arguments: object, seconds: float = 0.2):
    return process.ask(job, *arguments, seconds=seconds, memory=64 * MIB)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("job", "limit"),
    [
        (("spin",), "time"),  # one call of C code, in which no other thread of a process runs
        (("sleep",), "time"),  # by the clock: five seconds for each second
        (("fill", 10**9), "memory"),
        (("text", 20_000_000), "memory"),
        (("abort",), "memory"),
        (("crash",), "crash"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_limit_ends_the_job_alone(server, job, limit):
    """Guards against a job that goes on for ever, takes all memory or crashes: the caller learns which, another caller's
    process goes on with what it keeps, and the next job of this one finds a process."""
    other, process = LimitedProcess(server), LimitedProcess(server)
    assert ask(other, "keep", 1) == [1]
    with pytest.raises(LimitExceeded) as ended:
        ask(process, *job)
    assert ended.value.limit == limit
    assert ask(other, "keep", 2) == [1, 2]
    assert ask(process, "keep", 3) == [3]


def test_errors_and_memory_within_limits(server):
    """Guards against an error that loses its class or its words, and against a limit that leaves a job less than it has."""
    process = LimitedProcess(server)
    with pytest.raises(JobFailed) as failed:
        ask(process, "raise")
    assert (failed.value.name, failed.value.text) == ("KeyError", "'no such thing'")
    assert [ask(process, "fill", 40 * MIB) for _ in range(3)] == [40 * MIB] * 3


def test_callers_at_once(server):
    """Guards against two callers that get each other's process or answer."""
    found: dict[int, list] = {}

    def call(number: int) -> None:
        process = LimitedProcess(server)
        ask(process, "keep", number)
        found[number] = ask(process, "keep", -number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [number, -number] for number in range(8)}


def test_a_caller_who_leaves(server):
    """Guards against a job that goes on after Cancel: what `tick` raises ends it."""
    process = LimitedProcess(server)
    child = ask(process, "who")

    def leave() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.ask("sleep", seconds=60, memory=MIB, tick=leave)
    assert not process.running and ask(process, "who") != child


def test_a_server_that_ended_is_started_again(server):
    """Guards against strangers' models that can't be loaded any more once the server of processes is gone."""
    before = LimitedProcess(server)
    ask(before, "keep", 1)
    server._control.close()
    assert ask(LimitedProcess(server), "keep", 2) == [2]
    assert ask(before, "keep", 3) == [1, 3]


def test_without_fork(server, monkeypatch):
    """Guards the way of Windows, where each caller's process is started anew."""
    monkeypatch.setattr(limited_process, "_FORKS", False)
    process = LimitedProcess(server)
    assert ask(process, "keep", 1) == [1]
    with pytest.raises(LimitExceeded):
        ask(process, "spin")
    assert ask(process, "keep", 2) == [2]
