"""The scripts of sentences: what is near to a query, how alike they are, where they lie."""

from typing import TYPE_CHECKING

from playground.analysis.embeddings.layouts import PCA
from playground.scripts import clouds as scripts
from playground.scripts.point_sources import Source
from playground.scripts.script import Script
from playground.scripts.sentences import (
    BEGINNING,
    DENSE,
    LAYER_NORM,
    NORMALIZE,
    Pooled,
    Step,
    after_query,
    sentences,
    with_sentences,
)
from playground.tabs.shared.scripts import model_for_script, script_output

if TYPE_CHECKING:
    from playground.embeddings import sentence_layers
    from playground.models.loaded_model import LoadedModel


def sentences_source(model: "LoadedModel", text: str, pooling: str, layer: int, added: str = "") -> Source:
    """What makes the vectors of sentences, one a line, after a layer. added: sentences that were added to the picture."""
    from playground.embeddings.sentence_vectors import chosen_pooling, modules_of, prompt_of, split_lines

    pooling = chosen_pooling(model, pooling)
    prompt = prompt_of(model, modules_of(model, pooling))
    source = sentences(split_lines(text), _pooled(model, pooling, layer), prompt)
    return with_sentences(source, split_lines(added)) if added.strip() else source


def search_scripts(
    model: "LoadedModel", lines: list[str], query: str, pooling: str, counts: tuple[int, int]
) -> dict[str, Script]:
    """Of the sentences nearest to a query, of how alike they are, and of where they lie with it; by the outputs of their
    pictures. counts: of the ranking, and of those that are compared."""
    from playground.embeddings.sentence_vectors import modules_of, prompt_of

    pooled, modules = _pooled(model, pooling, None), modules_of(model, pooling)
    of_query, of_lines = (prompt_of(model, modules, role) for role in ("query", "document"))
    every = after_query([query, *lines], pooled, (of_query, of_lines))
    compared, reading = sentences(lines[: counts[1]], pooled, of_lines), model_for_script(model)
    return {
        script_output("ranking"): scripts.ranking(reading, every, counts[0]),
        script_output("alike"): scripts.similarity(reading, compared),
        script_output("placed"): scripts.cloud(reading, every, PCA, {"COMPONENTS": 2}, False),
    }


def _pooled(model: "LoadedModel", pooling: str, layer: int | None) -> Pooled:
    from playground.embeddings.sentence_vectors import limit_of, modules_of

    modules = modules_of(model, pooling)
    return Pooled(modules.poolings, limit_of(model), layer, modules.lower_case, tuple(map(_step, modules.steps)))


def _step(step: "sentence_layers.Step") -> Step:
    from playground.embeddings.sentence_layers import Beginning, Dense, LayerNorm

    if isinstance(step, Dense):
        return DENSE, step.folder, type(step.activation).__name__, step.adds_input
    if isinstance(step, LayerNorm):
        return LAYER_NORM, step.folder
    return (BEGINNING, step.count) if isinstance(step, Beginning) else (NORMALIZE,)
