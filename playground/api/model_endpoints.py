"""Endpoints of the catalog and of a loaded model."""

from playground import workbench
from playground.catalog import CATALOG, find
from playground.errors import PlaygroundError
from playground.recording.edits.edit import edits_of

MAX_NUMBERS = 2048**2
"""In one answer: about 80 MB of JSON. Larger maps are had through the Python API."""


def _check_size(count: int) -> None:
    if count > MAX_NUMBERS:
        raise PlaygroundError(
            f"The answer would have {count:,} numbers; at most {MAX_NUMBERS:,} are sent.",
            "Shorten the text, or use the Python API.",
        )


def models() -> list[dict]:
    """The catalog: name, hub id, what it is good for showing, whether the hub asks for an account. Of a class's server,
    its own model alone."""
    settings = workbench.shared().settings
    return [
        {"name": entry.name, "hub_id": entry.hub_id, "shows": entry.shows, "gated": entry.gated}
        for entry in CATALOG.values()
        if not settings.classroom or entry is find(settings.default_model)
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
    edits: list[dict] | None = None,
) -> dict:
    """Continues a text. Returns the text generated (with several samples the first, and all as texts), and for each
    token its id, text, probability (the model's own), the probability it was drawn with, rank, entropy (bits), most
    probable alternatives, whether the text ended there, and its sample; as notes, in what it differs from what was asked
    for. edits: what of the model is changed meanwhile, such as {"part": "head", "layer": 3, "which": [5]}."""
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
    steps = list(bench.generation.generate(loaded, ids, settings, edits=edits_of(edits)))
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
    edits: list[dict] | None = None,
) -> dict:
    """One head's weights, (queries, keys), with the tokens of both axes. layer: the model's own number. kind: self, or
    encoder, decoder, cross; empty takes the first. The languages are codes of a translating model's tokenizer. edits: as in
    /generate."""
    recording = _recording(model, text, device, target_text, (source_language, target_language), edits)
    weights = recording.attention(layer, kind or None)
    _check_size(len(weights.query_tokens) * len(weights.key_tokens))
    return {
        "kind": weights.kind,
        "layer": layer,
        "head": head,
        "query_tokens": [token.text for token in weights.query_tokens],
        "key_tokens": [token.text for token in weights.key_tokens],
        "weights": weights.head(head).tolist(),
    }


def next_tokens(model: str, text: str, count: int = 20, device: str = "auto", edits: list[dict] | None = None) -> dict:
    """The most probable tokens after a text, and the entropy of the distribution in bits. edits: as in /generate."""
    from playground.generation.steps import next_tokens as after

    recording = _recording(model, text, device, edits=edits)
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


def _recording(
    model: str,
    text: str,
    device: str,
    target_text: str = "",
    languages: tuple[str, str] = ("", ""),
    edits: list[dict] | None = None,
):
    from playground.models.decoder_start import Target

    bench = workbench.shared()
    loaded = bench.model(model, device)
    target = Target(target_text or None, languages[1], languages[0]) if any(languages) else target_text or None
    return bench.recording(loaded, text, target, edits=edits_of(edits))


def _alternatives(alternatives) -> list[dict]:
    return [{"id": a.token.id, "text": a.token.text, "probability": a.probability} for a in alternatives]
