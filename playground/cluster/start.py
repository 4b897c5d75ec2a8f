"""Starts the replicas, or joins those that run, and returns the engine that sends them work."""

import logging
import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from playground.cluster.options import ClusterOptions
from playground.cluster.version import check_version, check_weights, version_mark
from playground.engine.engine import Engine
from playground.errors import PlaygroundError
from playground.settings import MIB, Settings
from playground.texts import engine as texts

APPLICATION = "transformer-playground"
OBJECT_STORE = 200 * MIB
"""Of a cluster that is started here. Answers are small and mostly travel beside it."""
REACHED_IN = 3.0
"""Seconds for a cluster to take a connection."""
ROOT = Path(__file__).resolve().parents[2]


def start_engine(settings: Settings, options: ClusterOptions) -> Engine:
    """The replicas ready, each with the model that pages open with loaded and proved. PlaygroundError where Ray is not
    installed, the cluster is not there, or a replica is refused; then nothing is left running."""
    if settings.classroom:
        raise PlaygroundError(texts.NO_CLASS, texts.WITHOUT_CLASS)
    if options.address and _has_token():
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # as `ray start` does; read when ray is imported
    try:
        import ray.serve  # noqa: F401
    except ImportError as error:
        raise PlaygroundError(texts.NO_RAY, texts.INSTALL_RAY) from error
    stop = _join(options) if options.address else _start_here(options)
    try:
        return _engine(settings, options, stop)
    except BaseException:
        stop()
        raise


def _has_token() -> bool:
    """Whether this machine has the word by which a cluster lets it in."""
    path = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    return "RAY_AUTH_TOKEN" in os.environ or Path(path).is_file()


def _join(options: ClusterOptions) -> Callable[[], None]:
    """Connects to a running cluster, whose nodes get this playground's sources."""
    import ray

    if options.address != "auto":
        host, _, port = options.address.removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host, int(port)), REACHED_IN).close()
        except (OSError, ValueError) as error:
            raise _no_cluster(options.address) from error
    try:
        sources = {"py_modules": [str(ROOT / "playground")]}
        ray.init(address=options.address, runtime_env=sources, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        raise _no_cluster(options.address) from error
    except (RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise PlaygroundError(texts.NOT_JOINED.format(address=f"{options.address:.100}"), texts.SAME_TOKEN) from error
    return ray.shutdown


def _no_cluster(address: str) -> PlaygroundError:
    return PlaygroundError(texts.NO_CLUSTER.format(address=f"{address:.100}"), texts.START_CLUSTER)


def _start_here(options: ClusterOptions) -> Callable[[], None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no foreign host is asked
    import ray
    from ray import serve

    folder = options.folder or tempfile.mkdtemp(prefix="transformer-playground-ray-")
    threads = max(1, (os.cpu_count() or 1) // options.most)  # Ray gives each replica one otherwise
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads))}
    ray.init(
        num_cpus=options.most + 1,
        object_store_memory=OBJECT_STORE,
        include_dashboard=False,
        runtime_env={"env_vars": environment},
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=folder,
    )

    def stop() -> None:
        if hasattr(signal, "alarm"):
            signal.alarm(0)  # at SIGTERM Ray sets one that ends this process after 3 s, in the middle of what follows
        own = [one for one in psutil.Process().children(recursive=True) if re.search(r"\bray(::|/)", _command(one))]
        serve.shutdown()
        ray.shutdown()
        _, alive = psutil.wait_procs(own, timeout=5)
        for process in alive:  # Ray's agents outlive it now and then
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)

    return stop


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _engine(settings: Settings, options: ClusterOptions, stop: Callable[[], None]) -> Engine:
    from ray import serve

    from playground.cluster.ray_engine import RayEngine

    running = serve.status().applications.get(APPLICATION)
    if running is not None and running.status == "RUNNING":  # another front's
        handle = serve.get_app_handle(APPLICATION)
    else:
        handle = _deploy(settings, options)
    engine = RayEngine(handle, stop)
    _check_alike(engine.identities(), settings.default_model)
    return engine


def _deploy(settings: Settings, options: ClusterOptions) -> Any:
    from ray import serve

    from playground.cluster.replica import Replica

    serve.start(http_options={"location": "NoServer"})
    router = {"request_router_class": "playground.cluster.router.VisitorRouter"}
    autoscaling = {"min_replicas": options.least, "max_replicas": options.most, "target_ongoing_requests": 4}
    made: Any = serve.deployment(Replica)
    deployment = made.options(
        **({"num_replicas": options.least} if options.least == options.most else {"autoscaling_config": autoscaling}),
        ray_actor_options={"num_cpus": 1, "num_gpus": options.gpus},
        request_router_config=router,
        max_ongoing_requests=1024,
        max_constructor_retry_count=1,
        health_check_timeout_s=120,
        graceful_shutdown_timeout_s=2,
    )
    try:
        return serve.run(deployment.bind(settings, version_mark()), name=APPLICATION, route_prefix=None)
    except RuntimeError as error:
        raise _refusal(serve.status()) or error from error


def _refusal(status: Any) -> PlaygroundError | None:
    """What a replica said when it refused to start."""
    deployments = status.applications[APPLICATION].deployments.values()
    for message in (each.message for each in deployments):
        if words := re.search(r"PlaygroundError: (.+)", message):
            return PlaygroundError(texts.NOT_STARTED, words[1].strip())
    return None


def _check_alike(identities: list[Any], model: str) -> None:
    """PlaygroundError, with both marks, where a replica is not the front's playground, or two have not the same weights."""
    for one in identities:
        check_version(version_mark(), one.version)
        check_weights(model, one.proof.weights, identities[0].proof.weights)
