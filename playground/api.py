"""The HTTP endpoints, typed and in plain JSON: data, never figures. Usable with gradio_client and curl.

Layers and heads count from 0. Every endpoint takes `model` (catalog name, hub id or folder) and `device`. An error
comes with its message and remedy.
"""

import math
from functools import wraps
from importlib import import_module

import gradio as gr
from pydantic import ValidationError, validate_call

from playground import workbench
from playground.catalog import CATALOG
from playground.errors import PlaygroundError, unforeseen

MAX_NUMBERS = 2048**2
"""In one answer: about 80 MB of JSON. Larger maps are had through the Python API."""


def publish() -> None:
    """Adds the endpoints to the page being built, in the page's own queues: long texts hold up no drawing."""
    for function in (models, generate, attention, next_tokens, positions, embeddings, verify, train, training):
        queue, limit = ("generate", 8) if function is generate else ("model", 4)
        gr.api(_plain_errors(function), api_name=function.__name__, concurrency_id=queue, concurrency_limit=limit)


def _plain_errors(function):
    """The function with its arguments checked against their types, and errors told as Gradio tells them."""
    checked = validate_call(function)

    @wraps(function)
    def told(*arguments, **options):
        try:
            import_module("playground.models")  # transformers, in one thread: see concurrency/first_import.py
            return checked(*arguments, **options)
        except PlaygroundError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except ValidationError as error:
            raise gr.Error(_wrong_type(function, error.errors()[0]), print_exception=False) from error
        except Exception as error:
            model = options.get("model") or (arguments[0] if arguments else "")
            failed = unforeseen(f"{function.__name__} failed for {str(model)[:80] or 'every model'}", error)
            raise gr.Error(str(failed), print_exception=False) from error

    return told


def _wrong_type(function, wrong: dict) -> str:
    names = function.__code__.co_varnames
    place = [names[part] if number == 0 and isinstance(part, int) else part for number, part in enumerate(wrong["loc"])]
    return f"{'.'.join(map(str, place))} is {wrong['input']!r:.80}. {wrong['msg']}."


def _check_size(count: int) -> None:
    if count > MAX_NUMBERS:
        raise PlaygroundError(
            f"The answer would have {count:,} numbers; at most {MAX_NUMBERS:,} are sent.",
            "Shorten the text, or use the Python API.",
        )


def models() -> list[dict]:
    """The catalog: name, hub id, what it is good for showing, whether the hub asks for an account."""
    return [
        {"name": entry.name, "hub_id": entry.hub_id, "shows": entry.shows, "gated": entry.gated}
        for entry in CATALOG.values()
    ]


def generate(
    model: str,
    prompt: str,
    device: str = "auto",
    max_new_tokens: int = 40,
    greedy: bool = False,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    seed: int | None = None,
    chat: bool = False,
    min_p: float = 0.0,
    typical_p: float = 1.0,
    no_repeat_ngram: int = 0,
    stop: list[str] | None = None,
    samples: int = 1,
    beams: int = 1,
    source_language: str = "",
    target_language: str = "",
) -> dict:
    """Continues a text. Returns the text generated (with several samples the first, and all as texts), and for each
    token its id, text, probability (the model's own), the probability it was drawn with, rank, entropy (bits), most
    probable alternatives, whether the text ended there, and its sample; as notes, in what it differs from what was asked
    for."""
    from playground.generation.generate import prompt_ids
    from playground.generation.limits import clamp_to_context, notes
    from playground.generation.settings import GenerationSettings

    bench = workbench.shared()
    settings = GenerationSettings(
        max_new_tokens=max_new_tokens,
        greedy=greedy,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=repetition_penalty,
        seed=seed,
        chat=chat,
        min_p=min_p,
        typical_p=typical_p,
        no_repeat_ngram=no_repeat_ngram,
        stop=tuple(stop or ()),
        samples=samples,
        beams=beams,
        source_language=source_language,
        target_language=target_language,
    )
    loaded = bench.model(model, device)
    ids = prompt_ids(loaded, prompt, chat, bench.settings)
    allowed = clamp_to_context(loaded, ids, (), settings, bench.settings)
    steps = list(bench.generate(loaded, ids, settings))
    texts = ["".join(step.text for step in steps if step.sample == number) for number in range(samples)]
    return {
        "text": texts[0],
        "texts": texts,
        "notes": list(notes(settings, allowed, loaded, bench.settings)),
        "steps": [
            {
                "id": step.token.id,
                "text": step.token.text,
                "probability": step.probability,
                "chosen_probability": step.chosen_probability,
                "rank": step.rank,
                "entropy": step.entropy,
                "alternatives": _alternatives(step.alternatives),
                "stopped": step.stopped,
                "sample": step.sample,
            }
            for step in steps
        ],
    }


def attention(
    model: str,
    text: str,
    layer: int,
    head: int,
    kind: str = "",
    target_text: str = "",
    device: str = "auto",
    source_language: str = "",
    target_language: str = "",
) -> dict:
    """One head's weights, (queries, keys), with the tokens of both axes. layer: the model's own number. kind: self, or
    encoder, decoder, cross; empty takes the first. The languages are codes of a translating model's tokenizer."""
    recording = _recording(model, text, device, target_text, (source_language, target_language))
    found = recording.attention(layer, kind or None)
    _check_size(len(found.query_tokens) * len(found.key_tokens))
    return {
        "kind": found.kind,
        "layer": layer,
        "head": head,
        "query_tokens": [token.text for token in found.query_tokens],
        "key_tokens": [token.text for token in found.key_tokens],
        "weights": found.head(head).tolist(),
    }


def next_tokens(model: str, text: str, count: int = 20, device: str = "auto") -> dict:
    """The most probable tokens after a text, and the entropy of the distribution in bits."""
    from playground.generation.steps import next_tokens as after

    recording = _recording(model, text, device)
    distribution = after(recording.model, recording.last_logits, count)
    return {"entropy": distribution.entropy, "tokens": _alternatives(distribution.alternatives)}


def positions(model: str, length: int = 64, device: str = "auto") -> dict:
    """The model's position scheme with its own numbers, for the first `length` positions."""
    from playground.analysis.arrays import check_range
    from playground.analysis.positions.schemes import MAX_LENGTH
    from playground.positions.schemes import position_facts

    check_range("The length", length, 1, MAX_LENGTH)
    facts = position_facts(workbench.shared().model(model, device))
    description = {"scheme": facts.scheme, "description": facts.words, "missing": facts.missing}
    return description | facts.numbers(length)


def embeddings(
    model: str, words: list[str], neighbours: int = 5, leading_space: bool = True, device: str = "auto"
) -> list[dict]:
    """Words (each once; a comma separates two) in the model's embedding matrix: token ids, vector, and the nearest
    tokens of the vocabulary by cosine."""
    from playground.analysis.embeddings.pca_and_neighbours import nearest
    from playground.embeddings.matrices import embedding_matrix, place_words, split_words

    loaded = workbench.shared().model(model, device)
    placed = place_words(loaded, split_words("\n".join(words)), leading_space)
    answer = []
    for word, ids, vector in zip(placed.words, placed.ids, placed.vectors, strict=True):
        near = nearest(embedding_matrix(loaded), vector, neighbours, exclude=ids if len(ids) == 1 else ())
        answer.append(
            {
                "word": word,
                "ids": list(ids),
                "vector": vector.tolist(),
                "neighbours": [
                    {"id": int(i), "text": loaded.vocabulary.describe([i])[0].text, "cosine": float(value)}
                    for i, value in zip(near.indices, near.values, strict=True)
                ],
            }
        )
    return answer


def verify(model: str, text: str, target_text: str = "", device: str = "auto") -> dict:
    """Recomputes softmax(scores)·V of every layer and compares it with what the model used."""
    result = _recording(model, text, device, target_text).verify()
    return {
        "passed": result.passed,
        "largest_error": result.largest,
        "tolerance": result.tolerance,
        "errors": {kind: list(values) for kind, values in result.errors.items()},
        "reason": result.reason,
    }


def train(
    lesson: str = "repeat",
    steps: int = 0,
    seed: int = 0,
    data: str = "",
    encoder: bool | None = None,
    positions: str = "",
    norm: str = "",
    layers: int = 0,
    heads: int = 0,
    width: int = 0,
    learning_rate: float = -1,
    batch: int = 0,
) -> dict:
    """Starts a run: a tiny transformer learns a lesson (see /training for how far it is). What is empty, or 0, is the
    lesson's own choice. data: a text or a table, for the lessons text and table. Returns the run's code, parameters, steps,
    and the loss of guessing, ln V. A run pauses after a minute in which nobody asked for it."""
    from playground.training.lessons import recipe_of

    choices = {
        "steps": steps, "data": data, "encoder": encoder, "positions": positions, "norm": norm, "layers": layers,
        "heads": heads, "width": width, "batch": batch,
    }  # fmt: skip
    chosen = {name: value for name, value in choices.items() if value not in (0, "", None) or value is False}
    if learning_rate >= 0 or learning_rate != learning_rate:
        chosen["learning_rate"] = learning_rate
    run = workbench.shared().runs.start(recipe_of(lesson, {**chosen, "seed": seed}))
    run.play("full")
    recipe, live = run.recipe, run.run
    return {
        "run": run.code, "parameters": live.parameters, "steps": recipe.steps, "uniform_loss": live.uniform_loss,
    }  # fmt: skip


def training(run: str) -> dict:
    """How far a run is: its steps, whether it trains, its place in the queue (0: none), the error that ended it, and its
    snapshots, at most 64: step, losses in nats per token, scores of the model and of its strongest heads; and what the model
    wrote at the last one. Asking keeps the run going."""
    from playground.analysis.training.strongest_head import strongest_head

    live = workbench.shared().runs.find(run)
    live.touch()
    snapshots = live.snapshots
    return {
        "step": live.run.step, "playing": live.playing, "place": live.place, "finished": live.finished,
        "error": str(live.error or ""),
        "snapshots": [
            {
                "step": one.step, "loss": _finite(one.loss), "held_out_loss": _finite(one.held_out_loss),
                "scores": dict(one.scores),
                "strongest_heads": {name: strongest_head(values)._asdict() for name, values in one.heads.items()},
            }
            for one in snapshots
        ],
        "samples": [
            {"question": one.question, "answer": one.answer, "truth": one.truth, "note": one.note}
            for one in snapshots[-1].samples
        ],
    }  # fmt: skip


def _finite(value: float) -> float | None:
    """The number; None, in JSON null, for one that is none."""
    return value if math.isfinite(value) else None


def _recording(model: str, text: str, device: str, target_text: str = "", languages: tuple[str, str] = ("", "")):
    from playground.models.decoder_start import Target

    bench = workbench.shared()
    loaded = bench.model(model, device)
    target = Target(target_text or None, languages[1], languages[0]) if any(languages) else target_text or None
    return bench.recording(loaded, text, target)


def _alternatives(alternatives) -> list[dict]:
    return [{"id": a.token.id, "text": a.token.text, "probability": a.probability} for a in alternatives]
