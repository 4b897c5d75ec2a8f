"""The HTTP endpoints, typed and in plain JSON: data, never figures. Usable with gradio_client and curl.

Layers and heads count from 0. Every endpoint of a model takes `model` (catalog name, hub id or folder) and `device`. An
error comes with its message and remedy.
"""

import gradio as gr

from playground.api.layer_endpoints import contributions, lens, patch
from playground.api.model_endpoints import attention, embeddings, generate, models, next_tokens, positions, verify
from playground.api.plain_errors import plain_errors
from playground.api.task_endpoints import answer, attribute, classify, summarise, tag, translate
from playground.api.training_endpoints import finetune, train, training

OF_RUNS = train, training, finetune


def publish() -> None:
    """Adds the endpoints to the page being built, in the page's own queues: long texts hold up no drawing."""
    quick = [models, attention, next_tokens, positions, embeddings, verify, train, training, classify, tag, attribute]
    quick += [lens, contributions]
    for function in (*quick, generate, finetune, answer, translate, summarise, patch):
        queue, limit = ("model", 4) if function in quick else ("generate", 8)
        endpoint = plain_errors(function, of_runs=function in OF_RUNS)
        gr.api(endpoint, api_name=function.__name__, concurrency_id=queue, concurrency_limit=limit)
