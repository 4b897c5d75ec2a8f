"""The scripts of points: where they lie, what is near to them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.embeddings.layouts import PCA, TSNE, UMAP
from playground.analysis.embeddings.pca_and_neighbours import MEASURES
from playground.analysis.embeddings.tsne_and_umap import usual_neighbours, usual_perplexity
from playground.analysis.embeddings.vocabulary_filter import ANY, Filter
from playground.embeddings.cloud_request import CloudRequest
from playground.embeddings.clouds import Cloud
from playground.embeddings.point_neighbours import NEIGHBOURS
from playground.embeddings.point_sets import FILTER, LINES, TEXT, WORDS, PointRequest, WordPoints
from playground.scripts import clouds as scripts
from playground.scripts import point_sources as sources
from playground.scripts.embeddings import nearest
from playground.scripts.point_sources import Source, Spelling
from playground.scripts.script import Reading, Script
from playground.tabs.embeddings.projector_points import WorkbenchReader
from playground.tabs.embeddings.sentence_scripts import sentences_source
from playground.tabs.shared.scripts import model_for_script, reading_of_text
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.embeddings.clouds import PlacedPoints
    from playground.embeddings.points import Points
    from playground.models.loaded_model import LoadedModel

MAX_LISTED = 1000
"""Points of a group that a script lists."""


def cloud_script(model: "LoadedModel", cloud: Cloud) -> Script:
    """Of where the points of a drawn cloud lie, with what was added to it."""
    layout, placed = cloud.request.layout, cloud.placed
    count = len(placed.points.numbers)
    settings: dict[str, object] = {"COMPONENTS": layout.components}
    if layout.method == TSNE:
        settings |= {"SEED": layout.seed, "PERPLEXITY": layout.perplexity or usual_perplexity(count)}
    if layout.method == UMAP:
        near = layout.neighbours or usual_neighbours(count)
        settings |= {"SEED": layout.seed, "NEIGHBOURS": near, "LEAST_DISTANCE": layout.min_distance}
    reading = _reading(model, cloud.request)
    source = _source(model, cloud.request, reading, placed)
    return scripts.cloud(reading, source, layout.method, settings, layout.directions)


def _reading(model: "LoadedModel", request: CloudRequest) -> Reading:
    """What the model reads for the points."""
    return _read(model, request.points.text) if request.point_set.controls == TEXT else model_for_script(model)


def _read(model: "LoadedModel", text: str) -> Reading:
    return reading_of_text(WorkbenchReader().record(model, text), text)


def _source(
    model: "LoadedModel", request: CloudRequest, reading: Reading, placed: "PlacedPoints | None" = None
) -> Source:
    """What makes the vectors of a resolved request: of those that are placed, with what was added; without `placed`, of all
    points that are no tokens of the vocabulary."""
    points, space = request.points, request.point_set.spaces(model)[request.space]
    kind, added = request.point_set.controls, request.dropped if placed is not None else ""
    if kind == FILTER:
        assert placed is not None, "tokens of the vocabulary need no source of all of them"
        source = _vocabulary(str(space), request, placed)
        return _with_words(model, source, request) if added.strip() else source
    if kind == WORDS:
        source = _words(model, points, str(space))
        source = _with_words(model, source, request) if added.strip() else source
    elif kind == LINES:
        source = sentences_source(model, points.text, points.pooling, int(space or 0), added)
    else:
        source = sources.tokens(reading, space, _read(model, added) if added.strip() else None)
    if placed is None or placed.points.total == len(placed.points.numbers):
        return source
    return sources.sampled(source, len(placed.points.numbers), request.layout.seed)


def _vocabulary(matrix: str, request: CloudRequest, placed: "PlacedPoints") -> Source:
    rows = placed.points.numbers
    if placed.points.total == len(placed.points.source.texts):
        return sources.vocabulary(matrix, len(rows), request.layout.seed)
    return sources.chosen_tokens(matrix, rows.tolist(), _in_words(request.points.token_filter))


def _in_words(passes: Filter) -> dict[str, object]:
    """The parts of a filter that keep something out."""
    parts = {"leading space": passes.space, "script": passes.script}
    words: dict[str, object] = {name: value for name, value in parts.items() if value != ANY}
    words["characters"] = f"{passes.least} to {passes.most}"
    return words | ({"pattern": passes.pattern} if passes.pattern else {})


def _spelling(model: "LoadedModel", points: PointRequest) -> Spelling:
    from playground.embeddings.matrices import leading_space_matters

    return Spelling(" " if points.leading_space and leading_space_matters(model) else "", points.by_token)


def _words(model: "LoadedModel", points: PointRequest, matrix: str) -> Source:
    from playground.embeddings.matrices import split_words

    return sources.words(matrix, split_words(points.text), _spelling(model, points))


def _with_words(model: "LoadedModel", source: Source, request: CloudRequest) -> Source:
    from playground.embeddings.matrices import split_words

    return sources.with_words(source, split_words(request.dropped), _spelling(model, request.points))


def neighbours_script(
    model: "LoadedModel", request: CloudRequest, points: "Points", rows: Sequence[int], how: tuple[str, bool]
) -> Script:
    """Of what is nearest to a point, or to the mean of several. rows: theirs. how: the measure, and whether the mean of all
    is taken off."""
    if len(rows) > MAX_LISTED:
        return Script(why=texts.MANY_POINTS.format(most=MAX_LISTED))
    measure, kind = (MEASURES[how[0]], how[1]), request.point_set.controls
    if kind not in (FILTER, WORDS):
        reading = _reading(model, request)
        return scripts.near(reading, _source(model, request, reading), rows, measure, NEIGHBOURS)
    matrix = str(request.point_set.spaces(model)[request.space])
    share = 1 / len(rows)
    ids = [[row] for row in rows] if kind == FILTER else [placed_ids(model, request.points)[row] for row in rows]
    terms = [(share, one) for one in ids]
    return nearest(model_for_script(model), terms, points.own_rows(rows), matrix, measure, NEIGHBOURS)


def placed_ids(model: "LoadedModel", points: PointRequest) -> Sequence[Sequence[int]]:
    """The tokens of each placed word."""
    from playground.embeddings.matrices import place_words, split_words, token_by_token

    placed = place_words(model, split_words(points.text), points.leading_space)
    if points.by_token:
        placed, _ = token_by_token(model, placed)
    return placed.ids


def words_script(model: "LoadedModel", request: PointRequest, matrix: str, components: int) -> Script:
    """Of words on their principal axes. matrix: as the list names it."""
    source = _words(model, request, str(WordPoints().spaces(model)[matrix]))
    return scripts.cloud(model_for_script(model), source, PCA, {"COMPONENTS": components}, False)
