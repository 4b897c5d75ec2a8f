"""worker.py without its start: one process imports torch and transformers, then forks for each conversion.

    python warm_worker.py serve <socket>                         prints "ready" and serves until killed
    python warm_worker.py convert <file.gguf> <empty folder>     in place of worker.py; $WARM_WORKER names the socket
    python warm_worker.py download ...                           hands over to worker.py itself

The forked job has the standard streams and the environment of the process that it stands in for, runs the
sitecustomize.py on its PYTHONPATH, and ends when that process is terminated.
"""

import importlib.util
import json
import os
import signal
import socket
import sys
from pathlib import Path

WORKER = Path(__file__).parents[2] / "playground" / "weights" / "worker.py"


def serve(address: str) -> None:
    """Accepts jobs for ever, each in a process of its own."""
    spec = importlib.util.spec_from_file_location("worker", WORKER)
    assert spec and spec.loader
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    import gguf  # noqa: F401
    import torch  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        message, streams, _, _ = socket.recv_fds(connection, 2**20, 3)
        if os.fork() == 0:
            listener.close()
            _supervise(worker, connection, json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        connection.close()


def _supervise(worker, connection: socket.socket, job: dict, streams: list[int]) -> None:
    """Forks the job itself; sends its process id, then its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(job["env"])
        status = 1
        try:
            for place in os.environ.get("PYTHONPATH", "").split(os.pathsep):
                if (script := Path(place, "sitecustomize.py")).is_file():
                    exec(script.read_text(), {})
            status = worker.main(job["arguments"])
        finally:
            sys.stdout.flush()
            os._exit(status)
    for stream in (*streams, 0, 1, 2):
        os.close(stream)
    connection.sendall(f"{pid}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(f"{status}\n".encode())
    os._exit(0)


def submit(arguments: list[str]) -> int:
    """Has the server do a job with this process's streams and environment; returns its exit status."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ["WARM_WORKER"])
    message = json.dumps({"arguments": arguments, "env": dict(os.environ)}).encode()
    socket.send_fds(connection, [message], [0, 1, 2])
    answers = connection.makefile()
    pid = int(answers.readline())
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    return abs(int(answers.readline()))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    elif sys.argv[1] == "download":
        os.execv(sys.executable, [sys.executable, "-P", str(WORKER), *sys.argv[1:]])
    else:
        sys.exit(submit(sys.argv[1:]))
