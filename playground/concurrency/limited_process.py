"""Jobs in a process of their own, with limits of processor time and memory: what a stranger's file makes a program do
ends there, not in this process. Knows no job.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.concurrency.fork_server import MESSAGE, WALL

MIB = 1024**2
_SERVER = Path(__file__).with_name("fork_server.py")
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # a process with threads can't be forked safely
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
}
_FORKS = hasattr(os, "fork")
_LIMIT_OF = {
    getattr(signal, name, None): limit
    for name, limit in {"SIGPROF": "time", "SIGALRM": "time", "SIGABRT": "memory", "SIGKILL": "memory"}.items()
}
"""The signal that ended a process -> its reason. A library that can't have more memory ends with SIGABRT."""
_TICK = 0.2
"""Seconds between two calls of `tick`."""


class LimitExceeded(Exception):
    """A job was ended. `limit` is "time", "memory" or, where the process crashed, "crash"."""

    def __init__(self, limit: str):
        super().__init__(limit)
        self.limit = limit


class JobFailed(Exception):
    """A job raised an error: `name` is its class, `text` its message."""

    def __init__(self, name: str, text: str):
        super().__init__(f"{name}: {text}")
        self.name, self.text = name, text


class ForkServer:
    """Starts a LimitedProcess for each caller. Itself started at the first one, and again where it has ended."""

    def __init__(self, jobs: Path):
        """jobs: a file with a dict JOBS, name -> function of JSON values. It is run by its path."""
        self._jobs = jobs
        self._lock = threading.Lock()
        self._control: socket.socket | None = None

    def connect(self) -> tuple[socket.socket, int]:
        """A new child's socket and process id. Without `fork`, on Windows, it imports everything anew."""
        if not _FORKS:
            return self._single()
        with self._lock:
            for trial in (1, 2):
                control = self._control or self._start()
                ours, theirs = socket.socketpair()
                try:
                    with theirs:
                        socket.send_fds(control, [b"start".ljust(MESSAGE)], [theirs.fileno()])
                    return ours, int(_whole(control))
                except (OSError, ValueError):  # the server has ended
                    ours.close()
                    control.close()
                    self._control = None
                    if trial == 2:
                        raise
        raise AssertionError

    def start(self) -> None:
        """Starts the server if it is not there, so that the first caller need not wait for its imports."""
        if _FORKS:
            with self._lock:
                if self._control is None:
                    self._start()

    def ending(self, child: int) -> int:
        """The signal that ended a child; 0 for none, and where nobody knows."""
        with self._lock:
            try:
                assert self._control is not None
                self._control.sendall(str(child).encode().ljust(MESSAGE))
                return int(_whole(self._control))
            except (OSError, ValueError, AssertionError):
                return 0

    def _single(self) -> tuple[socket.socket, int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            process = _popen(self._jobs, str(listener.getsockname()[1]), stdin=subprocess.DEVNULL)
            listener.settimeout(60)
            return listener.accept()[0], process.pid

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            _popen(self._jobs, stdin=theirs)
        self._control = ours
        return ours


def _popen(*arguments: object, stdin: Any) -> subprocess.Popen:
    """The server's process; it ends when this process's end of its socket closes, however that happens."""
    return subprocess.Popen(
        [sys.executable, "-P", str(_SERVER), *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_ENVIRONMENT},
        start_new_session=True,  # Ctrl-C is for this process
    )


class LimitedProcess:
    """One process for a caller's jobs, started at the first one; it keeps what a job kept until it is closed. A job that
    reaches a limit ends it, and the next job finds a new one."""

    def __init__(self, server: ForkServer):
        self._server = server
        self._lock = threading.RLock()
        self._socket: socket.socket | None = None
        self._child = 0

    @property
    def running(self) -> bool:
        """Whether the process of the last job is still there."""
        return self._socket is not None

    def ask(
        self, job: str, *arguments: Any, seconds: float, memory: int, tick: Callable[[], None] = lambda: None
    ) -> Any:
        """The result of a job. `tick` is called several times a second and may raise to end it.

        seconds: of processor time. memory: bytes, beyond what the imports of the jobs take; not limited on macOS and
        Windows. LimitExceeded, JobFailed.
        """
        with self._lock:
            if self._socket is None:
                self._socket, self._child = self._server.connect()
            request = {"job": job, "arguments": arguments, "seconds": seconds, "memory": memory}
            try:
                answer = self._answer(request, time.monotonic() + seconds * WALL + 5, tick)
            except BaseException:
                self.close()
                raise
        if "limit" in answer:
            raise LimitExceeded(answer["limit"])
        if "error" in answer:
            raise JobFailed(answer["error"], answer["text"])
        return answer["result"]

    def close(self) -> None:
        """Ends the process."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    __del__ = close

    def _answer(self, request: dict, deadline: float, tick: Callable[[], None]) -> dict:
        assert self._socket is not None
        data = bytearray()
        self._socket.settimeout(_TICK)
        try:
            _send(self._socket, json.dumps(request).encode() + b"\n", deadline)
            while not data.endswith(b"\n"):
                try:
                    piece = self._socket.recv(MIB)
                except TimeoutError:
                    tick()
                    if time.monotonic() > deadline:
                        os.kill(self._child, getattr(signal, "SIGKILL", signal.SIGTERM))
                        raise LimitExceeded("time") from None
                    continue
                if not piece:
                    raise ConnectionResetError
                data += piece
        except (ConnectionError, BrokenPipeError):
            ended_by = self._server.ending(self._child)
            raise LimitExceeded(_LIMIT_OF.get(ended_by, "crash")) from None
        answer: dict = json.loads(data)
        return answer


def _send(connection: socket.socket, data: bytes, deadline: float) -> None:
    """Sends all of the data, however long the other end takes to read, until the deadline."""
    view = memoryview(data)
    while view:
        try:
            view = view[connection.send(view) :]
        except TimeoutError:
            if time.monotonic() > deadline:
                raise ConnectionResetError from None


def _whole(control: socket.socket) -> bytes:
    data = b""
    while len(data) < MESSAGE:
        piece = control.recv(MESSAGE - len(data))
        if not piece:
            raise ConnectionResetError
        data += piece
    return data
