"""Gets the default model while the page already opens, with a progress bar in the terminal. Knows no page."""

import sys
import threading

from tqdm import tqdm

from playground.catalog import DEFAULT_MODEL
from playground.errors import PlaygroundError
from playground.workbench import Workbench


def preload(workbench: Workbench, model_id: str = DEFAULT_MODEL, delay: float = 3.0) -> threading.Thread:
    """Starts loading a model in the background; visitors who ask for it meanwhile wait for the same loading.

    delay: seconds left to the first page, which would share the cores with the loading; a visitor who is there
    earlier starts it.
    """
    thread = threading.Timer(delay, _load, args=(workbench, model_id))
    thread.daemon = True
    thread.start()
    return thread


def _load(workbench: Workbench, model_id: str) -> None:
    layout = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}"
    with tqdm(total=1.0, desc=model_id, bar_format=layout, file=sys.stderr, leave=True) as bar:
        try:
            for status in workbench.loading(model_id):
                bar.set_description(f"{model_id}: {status.message}", refresh=False)
                bar.n = status.share or bar.n
                bar.refresh()
        except PlaygroundError as error:
            bar.set_description(f"{model_id}: failed")
            bar.write(str(error), file=sys.stderr)
