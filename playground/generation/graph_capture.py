"""Captures a model's graphs after it was loaded on a GPU. Each is compared with the eager forward pass before it is used:
on a few tokens it has to give the same logits, and faster.
"""

import logging
import threading
import time

import torch

from playground.errors import PlaygroundError
from playground.generation.cuda_graph import CudaGraphDecoder, shallow_copy
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.texts.numbers import percent

_MAX_BYTES = 512 * 2**20
"""Largest cache of fixed length."""
_MIN_LENGTH = 64
"""Tokens below which a cache of fixed length is not worth its memory."""
_SHORTER = (256, 1024)
"""Lengths of further caches: a step attends over its whole cache, so that a short text is read faster over a short one."""
_TRIAL_IDS = (5, 6, 7, 8, 9, 10, 11, 12)
"""Token ids that a graph is compared on: the first four are the prompt."""
_TRIAL_PROMPT = 4


@torch.inference_mode()
def compare_with_eager(model: LoadedModel, step: CudaGraphDecoder) -> tuple[float, float]:
    """The largest difference of a logit from the eager forward pass, as a share of the largest logit; and how many times
    as fast the step is. PlaygroundError if rounding does not explain the difference."""
    cache_name = step.cache_name
    ids = torch.tensor([_TRIAL_IDS], device=model.input_device)
    tokens = [ids[:, position : position + 1] for position in range(_TRIAL_PROMPT, len(_TRIAL_IDS))]
    cache = model.model(ids[:, :_TRIAL_PROMPT], use_cache=True)[cache_name]
    prompt_cache = shallow_copy(cache)
    eager, eager_seconds = [], []
    for token in tokens:
        started = time.perf_counter()
        outputs = model.model(**{"input_ids": token, cache_name: cache}, use_cache=True)
        eager.append(outputs.logits[:, -1].float().cpu())
        eager_seconds.append(time.perf_counter() - started)
    if not step.acquire(prompt_cache):
        raise PlaygroundError("The model's own cache can't be taken over.", "Go on without.")
    fixed, fixed_seconds = [], []
    for token in tokens:
        started = time.perf_counter()
        fixed.append(step.read(token).cpu())
        fixed_seconds.append(time.perf_counter() - started)
    step.release(prompt_cache)
    expected, actual = torch.cat(eager), torch.cat(fixed)
    difference = float((expected - actual).abs().max() / expected.abs().max())
    if not difference <= rounding(model.model.dtype).logits:
        raise PlaygroundError(
            f"Over a cache of fixed length its logits are off by {percent(difference)}.", "Go on without."
        )
    return difference, min(eager_seconds) / min(fixed_seconds)


def cache_lengths(model: LoadedModel, limit: int) -> tuple[int, ...]:
    """Tokens for which caches of fixed length are made, growing: the last `limit`, or fewer if 512 MiB do not hold so
    many; none where that is too few."""
    longest = min(limit, _MAX_BYTES // (model.anatomy.cache_bytes_per_token or _MAX_BYTES))
    return (*(length for length in _SHORTER if length < longest), longest) if longest >= _MIN_LENGTH else ()


def capture_in_background(model: LoadedModel, limit: int) -> None:
    """Starts a thread that captures a CudaGraphDecoder for each of `cache_lengths`, and gives the model those that are
    right and faster than the eager forward pass."""
    threading.Thread(target=_capture, args=(model, limit), daemon=True).start()


@torch.inference_mode()
def _capture(model: LoadedModel, limit: int) -> None:
    log = logging.getLogger(__name__)
    try:
        stream = torch.cuda.Stream()
        for length in cache_lengths(model, limit):
            step = CudaGraphDecoder(model, length)
            step.capture(stream)
            difference, step.gain = compare_with_eager(model, step)
            log.info(
                "%s: a captured step over %d tokens is %.1f times as fast, off by %.0e",
                model.model_id,
                length,
                step.gain,
                difference,
            )
            if step.gain > 1:
                model.graphs = (*model.graphs, step)
    except PlaygroundError as error:
        log.info("%s: no graph. %s", model.model_id, error)
    except Exception:  # whatever a family or a driver does, the eager forward pass goes on
        log.exception("%s: no graph", model.model_id)
