"""A process that imports a file of jobs once and then forks a child for each caller, within milliseconds.

    python -P fork_server.py jobs.py            # standard input is a socket, over which callers' sockets arrive
    python -P fork_server.py jobs.py <port>     # one caller, who listens on this port: where there is no fork

A caller writes a line of JSON for each job: {"job": name, "arguments": [...], "seconds": ..., "memory": bytes}, and reads
a line: {"result": ...}, {"error": class, "text": ...} or {"limit": "memory"}. A job that uses more processor time ends its
process, whatever it computes: the system's timer does it. Started by its path; imports nothing of the playground.
"""

import contextlib
import importlib.util
import json
import os
import signal
import socket
import sys
from types import ModuleType
from typing import BinaryIO

WALL = 5
"""Seconds by the clock for each second of processor time: other work may have the cores."""
LONGEST_ANSWER = 16 * 1024**2
IDLE = 900
"""Seconds without a new caller after which the server ends; whoever started it starts it again."""
MESSAGE = 16
"""Bytes of each message between the server and whoever started it."""


def load(path: str) -> ModuleType:
    """The file of jobs, with its dict JOBS: name -> function."""
    spec = importlib.util.spec_from_file_location("jobs", path)
    assert spec and spec.loader
    jobs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(jobs)
    return jobs


def serve(jobs: ModuleType, reader: BinaryIO, writer: BinaryIO) -> None:
    """Does a caller's jobs one after another until the caller closes its end."""
    base = _data_bytes()
    for line in reader:
        request = json.loads(line)
        _limit(request["seconds"], base, request["memory"])
        answer = _answer(jobs, request)
        _limit(0, base, None)
        writer.write(answer + b"\n")
        writer.flush()


def _answer(jobs: ModuleType, request: dict) -> bytes:
    try:
        answer = json.dumps({"result": jobs.JOBS[request["job"]](*request["arguments"])}).encode()
        if len(answer) <= LONGEST_ANSWER:
            return answer
        return b'{"limit": "memory"}'
    except MemoryError:
        return b'{"limit": "memory"}'
    except BaseException as error:  # the job runs what a stranger wrote
        return json.dumps({"error": type(error).__name__, "text": str(error)[:500]}).encode()


def _limit(seconds: float, base: int | None, memory: int | None) -> None:
    """Sets the timers (0: none), and how many bytes the process may have more than `base`."""
    if not hasattr(signal, "setitimer"):
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * WALL)
    if base is not None:
        import resource

        most = resource.RLIM_INFINITY if memory is None else base + memory
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))


def _data_bytes() -> int | None:
    """Bytes of this process's private memory; None where the system does not tell or does not limit it."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    except OSError:
        return None


def fork_for_callers(jobs: ModuleType, control: socket.socket) -> None:
    """Answers "start" and a caller's socket with the child's process id, and "<process id>" with how that child ended:
    the number of the signal, 0 for none."""
    ended: dict[int, int] = {}
    control.settimeout(IDLE)
    while message := _receive(control):
        data, descriptors = message
        if descriptors:
            child = os.fork()
            if child == 0:
                control.close()
                with socket.socket(fileno=descriptors[0]) as caller, contextlib.suppress(OSError):
                    serve(jobs, caller.makefile("rb"), caller.makefile("wb"))
                os._exit(0)
            os.close(descriptors[0])
            control.sendall(str(child).encode().ljust(MESSAGE))
        else:
            child = int(data)
            with contextlib.suppress(ChildProcessError):
                ended[child] = os.waitpid(child, 0)[1] & 0x7F
            control.sendall(str(ended.pop(child, 0)).encode().ljust(MESSAGE))
        with contextlib.suppress(ChildProcessError):  # those that nobody asked about
            while (gone := os.waitpid(-1, os.WNOHANG))[0]:
                ended[gone[0]] = gone[1] & 0x7F


def _receive(control: socket.socket) -> tuple[bytes, list[int]] | None:
    try:
        data, descriptors, _, _ = socket.recv_fds(control, MESSAGE, 1)
    except TimeoutError:
        return None
    while data and len(data) < MESSAGE:
        data += control.recv(MESSAGE - len(data)) or b" " * MESSAGE
    return (data, list(descriptors)) if data else None


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server; this process ends with it
    jobs = load(arguments[0])
    if arguments[1:]:
        with socket.create_connection(("127.0.0.1", int(arguments[1]))) as caller:
            serve(jobs, caller.makefile("rb"), caller.makefile("wb"))
    else:
        fork_for_callers(jobs, socket.socket(fileno=0))


if __name__ == "__main__":
    main(sys.argv[1:])
