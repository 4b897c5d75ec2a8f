"""The scripts of points and of sentences: where they lie, what is near to them."""

from dataclasses import replace
from typing import TYPE_CHECKING

from playground.analysis.embeddings.layouts import PCA, TSNE, UMAP
from playground.analysis.embeddings.pca_and_neighbours import MEASURES
from playground.analysis.embeddings.tsne_and_umap import usual_neighbours, usual_perplexity
from playground.embeddings.cloud_request import CloudRequest
from playground.embeddings.clouds import Cloud
from playground.embeddings.point_neighbours import NEIGHBOURS
from playground.embeddings.point_sets import FILTER, TEXT, WORDS, PointRequest, WordPoints
from playground.scripts import clouds as scripts
from playground.scripts.clouds import Source
from playground.scripts.embeddings import nearest
from playground.scripts.script import Reading, Script
from playground.tabs.embeddings.projector_points import WorkbenchReader
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import NONE_YET, model_for_script, reading_for_script, script_output
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.embeddings.points import Points
    from playground.models.loaded_model import LoadedModel


def cloud_script(page: PageContext, cloud: Cloud) -> Script:
    """Of where the points of a drawn cloud lie."""
    request, layout, model = cloud.request, cloud.request.layout, page.model()
    count, reading = len(cloud.placed.points.numbers), model_for_script(model)
    if request.dropped.strip():
        return Script(why=texts.DROPPED)
    if request.point_set.controls == TEXT:
        recording = WorkbenchReader().record(model, request.points.text)
        if recording.target_tokens is not None:
            return Script(why=texts.ONE_TEXT)
        reading = reading_for_script(recording, page)
    settings: dict[str, object] = {"COMPONENTS": layout.components}
    if layout.method == TSNE:
        settings |= {"SEED": layout.seed, "PERPLEXITY": layout.perplexity or usual_perplexity(count)}
    if layout.method == UMAP:
        near = layout.neighbours or usual_neighbours(count)
        settings |= {"SEED": layout.seed, "NEIGHBOURS": near, "LEAST_DISTANCE": layout.min_distance}
    placed, source = cloud.placed.points, source_of_points(model, request, count)
    if placed.total != (len(placed.source.texts) if request.point_set.controls == FILTER else count):
        return Script(why=texts.FILTERED if request.point_set.controls == FILTER else texts.SAMPLE)
    if isinstance(source, str):
        return Script(why=source)
    return scripts.cloud(reading, source, layout.method, settings, layout.directions)


def source_of_points(model: "LoadedModel", request: CloudRequest, count: int) -> Source | str:
    """What makes the vectors of a resolved request; or why there is nothing. count: points of the picture."""
    from playground.embeddings.matrices import leading_space_matters, split_words

    points, space = request.points, request.point_set.spaces(model)[request.space]
    if request.point_set.controls == FILTER:
        return scripts.vocabulary(str(space), count, request.layout.seed)
    if request.point_set.controls == WORDS:
        before = " " if points.leading_space and leading_space_matters(model) else ""
        return scripts.words(str(space), split_words(points.text), before, points.by_token)
    if request.point_set.controls == TEXT:
        return scripts.tokens(space) if isinstance(space, str) else scripts.states(space)
    return sentences_source(model, points.text, points.pooling, int(space or 0))


def sentences_source(model: "LoadedModel", text: str, pooling: str, layer: int) -> Source | str:
    """What makes the vectors of sentences, one a line, after a layer; or why there is nothing."""
    from playground.embeddings.sentence_vectors import FIRST, LAST, MEAN, limit_of, plain_pooling, split_lines

    kind = {MEAN: "mean", FIRST: "first", LAST: "last"}.get(plain_pooling(model, pooling))
    if kind is None or model.model.config.is_encoder_decoder:
        return texts.OWN_POOLING
    return scripts.sentences(split_lines(text), kind, layer, limit_of(model))


def neighbours_script(
    model: "LoadedModel", request: CloudRequest, points: "Points", row: int, how: tuple[str, bool]
) -> Script:
    """Of what is nearest to a token of the vocabulary, or to a word of one token. how: the measure, and whether the mean is
    taken off."""
    own, space = points.own_rows([row]), request.point_set.spaces(model)[request.space]
    if request.point_set.controls not in (FILTER, WORDS) or len(own) != 1:
        return NONE_YET
    reading = model_for_script(model)
    return nearest(reading, [(1.0, own)], own, str(space), (MEASURES[how[0]], how[1]), NEIGHBOURS)


def words_script(model: "LoadedModel", request: PointRequest, matrix: str, components: int) -> Script:
    """Of words on their principal axes. matrix: as the list names it."""
    source = source_of_points(model, CloudRequest(WordPoints.name, request, matrix), 0)
    if isinstance(source, str):
        return Script(why=source)
    return scripts.cloud(model_for_script(model), source, PCA, {"COMPONENTS": components}, False)


def states_script(reading: Reading, text: str, layer: int) -> Script:
    """Of a text's tokens on the principal axes of their states after a layer."""
    return scripts.cloud(replace(reading, text=text), scripts.states(layer), PCA, {"COMPONENTS": 2}, False)


def search_scripts(
    model: "LoadedModel", lines: list[str], query: str, pooling: str, counts: tuple[int, int]
) -> dict[str, Script]:
    """Of the sentences nearest to a query, of how alike they are, and of where they lie with it; by the outputs of their
    pictures. counts: of the ranking, and of those that are compared."""
    from playground.embeddings.sentence_vectors import steps_after

    steps = steps_after(model, pooling)
    every = sentences_source(model, "\n".join([query, *lines]), pooling, -1)
    compared = sentences_source(model, "\n".join(lines[: counts[1]]), pooling, -1)
    names = [script_output(name) for name in ("ranking", "alike", "placed")]
    if isinstance(every, str) or isinstance(compared, str) or set(steps) - {"Normalize"}:
        return dict.fromkeys(names, Script(why=texts.OWN_POOLING))
    reading = model_for_script(model)
    made = (
        scripts.ranking(reading, every, counts[0]),
        scripts.similarity(reading, compared),
        scripts.cloud(reading, every, PCA, {"COMPONENTS": 2}, bool(steps)),
    )
    return dict(zip(names, made, strict=True))
