"""Starts Transformer Playground: python app.py --help."""

import argparse
import os
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from playground.settings import Settings, on_zero_gpu
from playground.texts import engine as texts

if TYPE_CHECKING:
    from playground.engine.engine import Engine


def parse_options() -> argparse.Namespace:
    """The options of the command line; their defaults come from Gradio's environment variables."""
    parser = argparse.ArgumentParser(description="Run a pretrained transformer in the browser and look inside.")
    parser.add_argument(
        "--host",
        default=os.environ.get("GRADIO_SERVER_NAME"),
        help="address to listen on; 0.0.0.0 lets others in (default: only this machine; with --classroom the network)",
    )
    parser.add_argument("--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", "7860")))
    parser.add_argument(
        "--model", metavar="ID", help="the model that the page opens with: a name of the list, an id, a folder"
    )
    parser.add_argument("--catalog-only", action="store_true", help="refuse local folders and other hub ids")
    parser.add_argument(
        "--folders", action="store_true", help="load models from folders of this machine, also for visitors from others"
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further name of this server (proxy, DNS)"
    )
    parser.add_argument(
        "--classroom", action="store_true", help="for a class: pupils follow a teacher's page; the model stays the same"
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="who runs the models: this process, or replicas on Ray",
    )
    parser.add_argument("--replicas", default="1", metavar="N", help="with --engine ray: 2, or 1-4 as there is work")
    parser.add_argument("--gpus", type=float, default=0, metavar="N", help="with --engine ray: GPUs of each replica")
    parser.add_argument(
        "--address", default="", metavar="HOST:PORT", help="with --engine ray: a running cluster; auto: this machine's"
    )
    parser.add_argument("--offline", action="store_true", help="use only what lies on this machine")
    return parser.parse_args()


def folders_by_default(host: str) -> bool:
    """Whether only this machine is served, or folders were asked for in the environment: others could tell by loading
    which folders there are."""
    return host in ("localhost", "127.0.0.1", "::1") or "PLAYGROUND_FOLDERS" in os.environ


def start_replicas(settings: Settings, options: argparse.Namespace) -> "Engine":
    """Has replicas do the work of the pages. Says why, and exits, where they can't start."""
    from playground.cluster.options import ClusterOptions
    from playground.cluster.start import start_engine
    from playground.engine.engine import share
    from playground.errors import PlaygroundError

    try:
        cluster = ClusterOptions.parse(options.replicas, options.address, options.gpus)
        print(texts.STARTING.format(replicas=options.replicas), flush=True)
        engine = start_engine(settings, cluster)
    except PlaygroundError as error:
        raise SystemExit(str(error)) from error
    share(engine)
    return engine


def stay_in_this_process() -> None:
    """Keeps a Space on ZeroGPU at work in this process. Its package runs a function that it was given in a forked process,
    where what the page keeps between two calls (models, recordings, caches of what was written) would be lost: so no
    handler is given to it. It starts no Space that gives it none: so it is given one that nobody calls."""
    if on_zero_gpu():
        spaces = import_module("spaces")
        spaces.disable_gradio_auto_wrap()
        spaces.GPU(on_zero_gpu)


def serve(settings: Settings, host: str, port: int, preloads: bool) -> None:
    """Serves the page until Ctrl-C. preloads: loads the model that the page opens with; replicas have it already."""
    # gradio takes seconds to import: after the options
    from playground.components.event_queue import with_event_queue
    from playground.page import create_app, launch_options
    from playground.preload import preload
    from playground.tabs.classroom.announcement import announcement
    from playground.workbench import shared

    stay_in_this_process()  # before Gradio is given a handler
    page = create_app(settings)
    with_event_queue(page).launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=shared().classroom is not None,  # a class has addresses of its own
        **launch_options(),
    )
    if room := shared().classroom:
        print(announcement(room.secret, page.server_port), flush=True)
    if preloads:
        preload(shared(), settings.default_model)
    page.block_thread()


def main() -> None:
    """Serves the page and loads the default model, until Ctrl-C."""
    options = parse_options()
    host = options.host or ("0.0.0.0" if options.classroom else "127.0.0.1")
    settings = Settings()
    settings = replace(
        settings,
        default_model=options.model or settings.default_model,
        catalog_only=settings.catalog_only or options.catalog_only,
        offline=settings.offline or options.offline,
        local_folders=options.folders or (settings.local_folders and folders_by_default(host)),
        classroom=options.classroom,
        allowed_hosts=(*settings.allowed_hosts, *options.allow_host),
    )
    if settings.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    engine = start_replicas(settings, options) if options.engine == "ray" else None
    try:
        serve(settings, host, options.port, preloads=engine is None)
    finally:
        if engine is not None:
            engine.close()


if __name__ == "__main__":
    main()
