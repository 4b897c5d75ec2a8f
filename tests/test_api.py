"""The HTTP endpoints of a page that really runs, asked with gradio_client: the Python API's numbers, in plain JSON."""

import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

import playground as pg
from playground import workbench
from playground.catalog import CATALOG
from playground.embeddings.matrices import embedding_matrix
from playground.generation.sampling_controls import RANGES, SamplingControls
from playground.generation.sessions import SessionId
from playground.page import create_app, launch_options
from playground.positions.schemes import position_facts
from playground.settings import Settings
from playground.tabs.generate import streaming
from playground.tabs.generate.request import WriteRequest
from playground.tabs.shared import events
from playground.tabs.shared.page_context import PageContext
from tests.tools import zoo

pytestmark = pytest.mark.slow

SMOLLM2 = "smollm2-135m-instruct"
ENDPOINTS = {
    "/models",
    "/generate",
    "/attention",
    "/next_tokens",
    "/positions",
    "/embeddings",
    "/verify",
    "/train",
    "/training",
    "/finetune",
    "/classify",
    "/answer",
    "/tag",
    "/attribute",
    "/lens",
    "/contributions",
    "/translate",
    "/summarise",
    "/patch",
}
WITHOUT_MODEL = {"/models", "/train", "/training"}
"""Endpoints that are about no loaded model."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The page with its endpoints: url, workbench, client, and the folders of tiny models by family."""
    root = tmp_path_factory.mktemp("models")
    folders = {family: str(zoo.save(family, root / family)) for family in ("gpt2", "bart", "bloom", "bert", "t5")}
    app = create_app(replace(Settings(), catalog_only=False, offline=True))
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    client = Client(url, verbose=False)
    yield SimpleNamespace(app=app, url=url, bench=workbench.shared(), client=client, folders=folders)
    app.close()


@pytest.fixture
def ask(server):
    """ask(endpoint, **parameters) -> the answer, which must be JSON without NaN and infinities."""

    def ask(endpoint, **parameters):
        answer = server.client.predict(api_name=endpoint, **parameters)
        json.dumps(answer, allow_nan=False)
        return answer

    return ask


# --- what the endpoints say of themselves ----------------------------------------------------------------------


def test_long_texts_hold_up_no_drawing(server):
    """Guards against four calls of /generate that stop every picture of the page: it waits in the queue of those who
    write, the others in that of those who draw, with the page's own limits."""
    queues = {
        f"/{fn.api_name}": (fn.concurrency_id, fn.concurrency_limit) for fn in server.app.fns.values() if fn.api_name
    }
    page = events.GENERATES["concurrency_id"], events.GENERATES["concurrency_limit"]
    drawn = events.RUNS_MODEL["concurrency_id"], events.RUNS_MODEL["concurrency_limit"]
    slow = {"/generate", "/finetune", "/answer", "/translate", "/summarise", "/patch"}
    assert {queues[name] for name in slow} == {page} == {("generate", 8)}
    assert {queues[name] for name in ENDPOINTS - slow} == {drawn} == {("model", 4)}


def test_endpoints_are_typed(server):
    """Guards against a wrapper that hides the parameters: name, type and default of each are published, and none of
    the page's own handlers."""
    info = server.client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(info) == ENDPOINTS
    types = {
        p["parameter_name"]: (p["type"].get("type"), p["parameter_has_default"], p["parameter_default"])
        for p in info["/generate"]["parameters"]
    }
    assert types["model"] == types["prompt"] == ("string", False, None)
    assert types["temperature"] == ("number", True, 1.0)
    assert types["max_new_tokens"] == ("integer", True, 40)
    assert types["greedy"] == ("boolean", True, False)
    assert types["seed"] == (None, True, None)  # null or integer
    for name, endpoint in info.items():
        named = {p["parameter_name"] for p in endpoint["parameters"]}
        assert name in WITHOUT_MODEL or {"model", "device"} <= named
        assert endpoint["description"]


def test_models(ask):
    """Guards against a catalog that the page and the endpoint tell differently."""
    assert [entry["name"] for entry in ask("/models")] == list(CATALOG)


# --- the numbers are those of the Python API ---------------------------------------------------------------------


def test_generate(ask, server, smollm2):
    """Guards against parameters that do not arrive: the steps are those of pg.generate with the same settings."""
    rules = {"max_new_tokens": 5, "temperature": 0.8, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.1, "seed": 7}
    answer = ask("/generate", model=SMOLLM2, prompt="Once upon a time", **rules)
    steps = list(pg.generate(smollm2, "Once upon a time", pg.GenerationSettings(**rules)))
    assert answer["text"] == "".join(step.text for step in steps)
    assert [told["id"] for told in answer["steps"]] == [step.token.id for step in steps]
    for told, step in zip(answer["steps"], steps, strict=True):
        for name in ("probability", "chosen_probability", "entropy"):
            assert told[name] == pytest.approx(getattr(step, name), rel=1e-3)
        assert (told["rank"], told["text"], told["stopped"]) == (step.rank, step.token.text, step.stopped)
        assert [a["id"] for a in told["alternatives"]] == [a.token.id for a in step.alternatives]
    assert (
        ask("/generate", model=SMOLLM2, prompt="What is the capital of France?", greedy=True, chat=True)["text"]
        == "The capital of France is Paris."
    )


def test_what_differs_from_what_was_asked_for_is_said(ask, server):
    """Guards against an answer of 60 tokens to a question for 10,000, and one that draws nothing, without a word."""
    call = {"model": server.folders["gpt2"], "prompt": "abcd", "seed": 0}
    assert ask("/generate", max_new_tokens=3, **call)["notes"] == []
    (words,) = ask("/generate", max_new_tokens=10_000, **call)["notes"]
    assert words.startswith("10,000 were asked for; a text may have 64 tokens") and words.endswith("room for 60.")
    (words,) = ask("/generate", max_new_tokens=3, temperature=0, **call)["notes"]
    assert "nothing is drawn" in words
    ends_soon = call | {
        "model": server.folders["bloom"],
        "stop": ["\n"],
    }  # what it writes; else it would be 1,024 tokens
    long, beams = ask("/generate", max_new_tokens=10_000, beams=2, **ends_soon)["notes"]
    assert "this server writes at most 1,024" in long and "Beam search draws nothing" in beams


def test_samples_and_beams(ask, smollm2):
    """Guards against samples thrown together into one text, and beams that are ignored."""
    call = {"model": SMOLLM2, "prompt": "Once upon a time", "max_new_tokens": 4}
    several = ask("/generate", samples=2, seed=3, **call)
    assert several["texts"] == [ask("/generate", seed=seed, **call)["text"] for seed in (3, 4)]
    assert several["text"] == several["texts"][0] and {step["sample"] for step in several["steps"]} == {0, 1}
    best = list(pg.generate(smollm2, "Once upon a time", pg.GenerationSettings(max_new_tokens=4, beams=3)))
    assert [step["id"] for step in ask("/generate", beams=3, **call)["steps"]] == [step.token.id for step in best]


def test_attention(ask, smollm2, server):
    """Guards against another layer's or head's weights, and against axes that do not belong to them."""
    text = "The cat sat on the mat"
    answer = ask("/attention", model=SMOLLM2, text=text, layer=7, head=2)
    recording = pg.record(smollm2, text)
    assert torch.tensor(answer["weights"]).allclose(recording.attention(7).weights[2], atol=1e-5)
    assert answer["query_tokens"] == answer["key_tokens"] == [token.text for token in recording.tokens]
    assert (answer["kind"], answer["layer"], answer["head"]) == ("self", 7, 2)
    bart = server.folders["bart"]
    crossed = ask("/attention", model=bart, text="source", layer=1, head=3, kind="cross", target_text="go")
    weights = pg.record(pg.load(bart), "source", "go").attention(1, "cross").weights[3]
    assert torch.tensor(crossed["weights"]).allclose(weights, atol=1e-6)
    assert (len(crossed["query_tokens"]), len(crossed["key_tokens"])) == tuple(weights.shape)


def test_next_tokens(ask, smollm2):
    """Guards against the distribution of another place than the end of the text."""
    answer = ask("/next_tokens", model=SMOLLM2, text="The cat sat on the mat", count=4)
    p = pg.record(smollm2, "The cat sat on the mat").logits[-1].double().softmax(-1)
    assert [entry["id"] for entry in answer["tokens"]] == p.topk(4).indices.tolist()
    assert [entry["probability"] for entry in answer["tokens"]] == pytest.approx(p.topk(4).values.tolist(), rel=1e-3)
    assert answer["entropy"] == pytest.approx(float(torch.special.entr(p).sum()) / math.log(2), abs=1e-3)


def test_edits(ask, smollm2):
    """Guards against edits that the endpoints drop: the numbers are those of the Python API with the same edits."""
    edits = [{"part": "head", "layer": 29, "which": [3, 4]}, {"part": "mlp", "layer": 28, "how": "mean"}]
    given = [pg.Edit(**values) for values in edits]
    rules = {"max_new_tokens": 3, "greedy": True}
    answer = ask("/generate", model=SMOLLM2, prompt="Once upon a time", edits=edits, **rules)
    steps = list(pg.generate(smollm2, "Once upon a time", pg.GenerationSettings(**rules), edits=given))
    assert [step["id"] for step in answer["steps"]] == [step.token.id for step in steps]
    after = ask("/next_tokens", model=SMOLLM2, text="Once upon a time", count=3, edits=edits)["tokens"]
    shares = pg.record(smollm2, "Once upon a time", edits=given).last_logits.softmax(-1)
    assert after[0]["probability"] == pytest.approx(float(shares.max()), rel=1e-4)
    plain = ask("/next_tokens", model=SMOLLM2, text="Once upon a time", count=3)["tokens"]
    assert after[0]["probability"] != pytest.approx(plain[0]["probability"], rel=1e-4)


def test_positions(ask, server, smollm2):
    """Guards against formulas in place of the model's own tensors, for each scheme."""
    answer = ask("/positions", model=SMOLLM2, length=3)
    own = position_facts(smollm2).inverse_frequencies["all layers"]
    assert answer["scheme"] == "rotary" and answer["missing"] == ""
    assert answer["inverse_frequencies"]["all layers"] == pytest.approx(own.tolist())
    assert answer["angles"]["all layers"][2] == pytest.approx((2 * own).tolist(), rel=1e-5)
    learned = ask("/positions", model=server.folders["gpt2"], length=5)
    table = pg.load(server.folders["gpt2"]).model.transformer.wpe.weight[:5]
    assert torch.tensor(learned["table"]).allclose(table)
    alibi = ask("/positions", model=server.folders["bloom"], length=4)
    assert alibi["slopes"] == pytest.approx([0.25, 0.0625, 0.015625, 0.00390625])
    buckets = ask("/positions", model=server.folders["t5"])["buckets"]
    assert set(buckets) == {"encoder", "decoder"}


def test_embeddings(ask, smollm2):
    """Guards against the output embedding, a word without its leading space, and neighbours by another measure."""
    (cat, long) = ask("/embeddings", model=SMOLLM2, words=["cat", "unbelievableness"], neighbours=3)
    matrix = embedding_matrix(smollm2)
    assert cat["ids"] == smollm2.tokenizer(" cat")["input_ids"]
    assert torch.tensor(cat["vector"]).allclose(matrix[cat["ids"][0]])
    assert len(long["ids"]) > 1 and torch.tensor(long["vector"]).allclose(matrix[long["ids"]].mean(0), atol=1e-6)
    cosines = torch.cosine_similarity(matrix, matrix[cat["ids"][0]][None])
    best = cosines.topk(4).indices.tolist()[1:]
    assert [near["id"] for near in cat["neighbours"]] == best
    assert [near["cosine"] for near in cat["neighbours"]] == pytest.approx(cosines[best].tolist(), abs=1e-5)
    (bare,) = ask("/embeddings", model=SMOLLM2, words=["cat"], neighbours=1, leading_space=False)
    assert bare["ids"] == smollm2.tokenizer("cat")["input_ids"]


@pytest.mark.weights
def test_verify(ask, server):
    """Guards against a check that always passes: a family whose queries are not captured says why."""
    answer = ask("/verify", model=SMOLLM2, text="The cat sat on the mat")
    assert answer["passed"] and len(answer["errors"]["self"]) == 30
    assert 0 < answer["largest_error"] <= answer["tolerance"]
    off = ask("/verify", model=server.folders["bloom"], text="The cat sat")
    assert not off["passed"] and off["reason"] and off["largest_error"] is None


def test_lens_and_contributions(ask, server):
    """Guards endpoints that say something else than the Python functions, NaN in JSON, and an answer without bounds."""
    folder = server.folders["gpt2"]
    recording = pg.record(server.bench.model(folder, "cpu"), "the cat sat")  # in float32
    told, lens = (
        ask("/lens", model=folder, device="cpu", text="the cat sat", top=2, count=4),
        recording.lens(2, range(7, 11)),
    )
    assert told["states"] == list(lens.states) and told["positions"] == [7, 8, 9, 10]
    assert told["ids"] == lens.ids.tolist() and told["error"] <= 1e-5
    assert told["probabilities"][3][2] == pytest.approx(lens.probabilities[3, 2].tolist(), rel=1e-5)
    assert told["texts"][0][0][0] == recording.model.vocabulary.text(told["ids"][0][0][0])
    assert "".join(told["tokens"]) == " sat"
    told = ask(
        "/contributions",
        model=folder,
        device="cpu",
        text="the cat sat",
        position=3,
        token="#7",
        against="#9",
        neurons=3,
    )
    parts = recording.contributions(3, 7, 9)
    assert told["logit"] == pytest.approx(parts.logit) and told["token"]["id"] == 7 and told["against"]["id"] == 9
    assert told["heads"] == [pytest.approx(row) for row in parts.heads.tolist()] and told["reasons"] == {}
    whole = told["embedding"] + sum(map(sum, told["heads"])) + sum(told["mlps"]) + told["biases"]
    assert whole == pytest.approx(told["total"], abs=1e-5)
    assert told["total"] == pytest.approx(told["logit"], abs=1e-5)
    first = told["neurons"][0]
    assert parts.neurons[first["layer"]][first["neuron"]] == pytest.approx(first["value"])
    assert abs(first["value"]) == pytest.approx(max(abs(layer).max() for layer in parts.neurons))
    for more, words in (({"top": 99999}, "at most 200,000"), ({"count": 0}, "from 1"), ({"first": 11}, "from 0 to 10")):
        with pytest.raises(AppError, match=words):
            ask("/lens", model=folder, device="cpu", text="the cat sat", **more)
    with pytest.raises(AppError, match="norm the sum after each part"):
        ask("/contributions", model=server.folders["bert"], text="abc")
    with pytest.raises(AppError, match="is no single token"):
        ask("/contributions", model=folder, device="cpu", text="abc", token="the cat")


def test_patch(ask, server):
    """Guards an endpoint that says something else than the Python function, and NaN of cells that were not computed."""
    folder = server.folders["gpt2"]
    texts = {"clean": "the cat sat", "corrupted": "the dog sat"}
    told = ask("/patch", model=folder, **texts, token="#7", against="#9")
    result = pg.patch(server.bench.model(folder), *texts.values(), token=7, against=9, exact=True)
    assert told["layers"] == [-1, 0, 1] and told["columns"] == list(result.columns) and told["exact"][0] == [None] * 7
    assert told["estimate"] == [pytest.approx(row, abs=1e-6) for row in result.estimate.tolist()]
    assert told["tokens"][4] == ["c", "d"] and told["clean"] == pytest.approx(result.clean, abs=1e-6)
    told = ask("/patch", model=folder, **texts, token="#7", against="#9", exact=True)
    assert told["exact"] == [pytest.approx(row, abs=1e-6) for row in result.exact.tolist()]
    assert told["correlation"] == pytest.approx(result.correlation, abs=1e-4)
    with pytest.raises(AppError, match="11 tokens, the other one 12"):
        ask("/patch", model=folder, clean="the cat sat", corrupted="the cats sat")


def test_tasks(ask, server):
    """Guards endpoints that say something else than the Python functions: labels by words, why, and a layer taught on
    lines; a head that is not there is named; a label that is not there is explained as another one."""
    folder, labels = server.folders["gpt2"], ["good", "bad"]
    model = server.bench.model(folder)
    answer = ask("/classify", model=folder, texts=["the cat", "a dog"], labels=labels)
    expected = [
        [label.probability for label in pg.classify(model, text, labels).labels] for text in ("the cat", "a dog")
    ]
    assert answer["labels"] == labels and answer["function"] == "softmax"
    assert sum(answer["probabilities"], []) == pytest.approx(sum(expected, []), abs=1e-6)
    why = ask("/attribute", model=folder, text="the cat", labels=labels, method="gradient × input")
    assert (
        len(why["values"]) == len(why["tokens"]) == len(why["asked"])
        and sum(why["asked"]) == 7
        and why["error"] is None
    )
    for against, words in (
        ("ugly", "no other answer"),
        (why["scored"].split("”")[0].split("“")[1], "is what is explained"),
    ):
        with pytest.raises(AppError, match=words):
            ask("/attribute", model=folder, text="the cat", labels=labels, against=against)
    following = ask("/attribute", model=folder, text="the cat")
    two = pg.record(model, "the cat").last_logits.topk(2).values
    assert following["score"] == pytest.approx(float(two[0] - two[1]), abs=1e-4) and len(following["values"]) == 7
    lines = "\n".join(f"text {n}\t{'ab'[n % 2]}" for n in range(12))
    taught = ask("/classify", model=folder, lines=lines, texts=["text 3"])
    assert taught["labels"] == ["a", "b"] and sum(taught["probabilities"][0]) == pytest.approx(1, abs=1e-5)
    for endpoint, more in {"/tag": {"text": "x"}, "/answer": {"question": "x", "passage": "y"}}.items():
        with pytest.raises(AppError, match="no head for a task|is no reader"):
            ask(endpoint, model=folder, **more)


def test_translation_and_summary(ask, server):
    """Guards endpoints that say something else than the Python functions: words, probabilities, alignment, shares."""
    folder, text = server.folders["bart"], "The cat sat. A dog ran."
    model = server.bench.model(folder)
    answer, own = ask("/translate", model=folder, text=text), pg.translate(model, text)
    (window,), (part,) = answer["windows"], own.parts
    assert answer["text"] == own.text and answer["way"] == "trained" and answer["beams"] == 1
    assert [token["probability"] for token in window["tokens"]] == pytest.approx([s.probability for s in part.steps])
    assert "cat" in window["alignment"]["source"] and sum(window["alignment"]["weights"][0]) == pytest.approx(
        1, abs=1e-4
    )
    summary, own = ask("/summarise", model=folder, passage=text), pg.summarise(model, text)
    assert summary["text"] == own.text and summary["coverage"] == own.copying.coverage
    (window,) = summary["windows"]
    assert [text[start:end] for start, end in window["sentences"][0]["passage"]] == ["The cat sat.", "A dog ran."]
    (part,) = pg.translate(model, text).parts
    why = ask("/attribute", model=folder, text=text, token=1)
    assert why["scored"].startswith(f"logit of “{part.steps[1].token.text}”") and sum(why["asked"]) == len(text)
    why = ask("/attribute", model=folder, text=text, task="summarise", method="integrated gradients")
    assert why["error"] is not None and (why["values"] is None) == (why["error"] > 0.01)
    with pytest.raises(AppError, match="There is no task"):
        ask("/attribute", model=folder, text=text, task="dance")
    with pytest.raises(AppError, match="not told a language"):
        ask("/translate", model=folder, text=text, target="fr")
    with pytest.raises(AppError, match="can't summarise"):
        ask("/summarise", model=server.folders["gpt2"], passage=text)


# --- bad input -------------------------------------------------------------------------------------------------

BAD = {
    "a layer out of range": ("/attention", {"text": "hi", "layer": 2, "head": 0}, ["layer 2", "0 to 1"]),
    "a negative layer": ("/attention", {"text": "hi", "layer": -1, "head": 0}, ["layer -1", "0 to 1"]),
    "a head out of range": ("/attention", {"text": "hi", "layer": 0, "head": 4}, ["head 4", "0 to 3"]),
    "a negative head": ("/attention", {"text": "hi", "layer": 0, "head": -1}, ["head -1", "0 to 3"]),
    "a layer that is no number": ("/attention", {"text": "hi", "layer": "first", "head": 0}, ["layer", "'first'"]),
    "half a layer": ("/attention", {"text": "hi", "layer": 0.5, "head": 0}, ["layer", "0.5"]),
    "an edit of no head": (
        "/generate",
        {"prompt": "x", "edits": [{"part": "head", "layer": 1, "which": [4]}]},
        ["head 4"],
    ),
    "an edit that is none": (
        "/next_tokens",
        {"text": "x", "edits": [{"part": "nose", "layer": 1}]},
        ["nose", "'head'"],
    ),
    "edits that are none": ("/attention", {"text": "x", "layer": 0, "head": 0, "edits": "all"}, ["edits", "'all'"]),
    "an unknown kind": ("/attention", {"text": "hi", "layer": 0, "head": 0, "kind": "cross"}, ["cross", "self"]),
    "a target for a decoder": ("/verify", {"text": "hi", "target_text": "x"}, ["target"]),
    "no text": ("/attention", {"text": "", "layer": 0, "head": 0}, ["no text", "Type"]),
    "a text that is none": ("/next_tokens", {"text": None}, ["text", "None"]),
    "a text too long": ("/next_tokens", {"text": "x" * 65}, ["65 tokens", "64"]),
    "1 MB of text": ("/next_tokens", {"text": "x" * 1_000_000}, ["1,000,000 bytes", "200,000"]),
    "a prompt too long": ("/generate", {"prompt": "x" * 64}, ["64 tokens", "63"]),
    "a temperature out of range": ("/generate", {"prompt": "x", "temperature": 9}, ["temperature is 9", "0 to 5"]),
    "a temperature in words": ("/generate", {"prompt": "x", "temperature": "hot"}, ["temperature", "'hot'"]),
    "no new tokens": ("/generate", {"prompt": "x", "max_new_tokens": 0}, ["max_new_tokens is 0", "1 to"]),
    "no chat template": ("/generate", {"prompt": "x", "chat": True}, ["no chat template", "complete"]),
    "no tokens counted": ("/next_tokens", {"text": "x", "count": 0}, ["0", "1 to"]),
    "no positions": ("/positions", {"length": 0}, ["length is 0", "from 1"]),
    "too many positions": ("/positions", {"length": 10**9}, ["1,000,000,000", "8,192"]),
    "no words": ("/embeddings", {"words": []}, ["no words", "Type"]),
    "words that are none": ("/embeddings", {"words": ["cat", None]}, ["words.1", "None"]),
    "too many words": ("/embeddings", {"words": [str(n) for n in range(501)]}, ["501", "500"]),
    "no neighbours": ("/embeddings", {"words": ["cat"], "neighbours": 0}, ["0", "1 to"]),
    "an unknown device": ("/next_tokens", {"text": "hi", "device": "cuda:77"}, ["cuda:77", "cpu"]),
    "an unknown model": ("/next_tokens", {"text": "hi", "model": "nobody/nothing"}, ["nobody/nothing", "offline"]),
    "no model": ("/next_tokens", {"text": "hi", "model": ""}, ["No model", "Choose"]),
    "a folder that is not there": ("/next_tokens", {"text": "hi", "model": "/no/such"}, ["/no/such", "path"]),
    "a model that does not generate": (
        "/generate",
        {"prompt": "hi", "model": "bert"},
        ["can't continue", "fills masks"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(server, ask, case):
    """Guards against an internal error, or a traceback, where a sentence with the numbers and the remedy is due; the
    server answers the next question."""
    endpoint, given, words = BAD[case]
    given = {"model": "gpt2"} | given
    given["model"] = server.folders.get(given["model"], given["model"])
    with pytest.raises(AppError) as refused:
        ask(endpoint, **given)
    assert all(word in str(refused.value) for word in words), str(refused.value)
    assert ask("/next_tokens", model=server.folders["gpt2"], text="still here", count=1)["tokens"]


def test_hostile_text_travels_as_data(server, ask):
    """Guards against text that is changed on its way: the tokens spell what was sent, unescaped."""
    text = "</script><script>alert(1)</script> ${alert(1)} {{7*7}}"
    answer = ask("/attention", model=server.folders["gpt2"], text=text, layer=0, head=0)
    assert "".join(answer["key_tokens"]) == text


def test_an_answer_too_large(server, monkeypatch):
    """Guards against a server that fills its memory with JSON: 4,096 tokens would be 16 million numbers."""
    monkeypatch.setattr("playground.api.model_endpoints.MAX_NUMBERS", 100)
    with pytest.raises(AppError, match="121 numbers; at most 100"):
        server.client.predict(api_name="/attention", model=server.folders["gpt2"], text="eleven char", layer=0, head=0)


def test_catalog_only(server, ask, monkeypatch):
    """Guards against a public server that reads its own disk for visitors."""
    public = workbench.Workbench(replace(server.bench.settings, catalog_only=True))
    monkeypatch.setattr(server.bench, "settings", public.settings)
    monkeypatch.setattr(server.bench, "models", public.models)
    for model in (server.folders["gpt2"], "somebody/something"):
        with pytest.raises(AppError, match="not in this server's catalog.*smollm2"):
            ask("/next_tokens", model=model, text="hi")
    assert ask("/models")


# --- at once, and gone ------------------------------------------------------------------------------------------


@pytest.mark.weights
def test_two_clients_at_once(server):
    """Guards against visitors who get each other's text."""

    def visit(seed):
        client = Client(server.url, verbose=False)
        call = {"model": SMOLLM2, "prompt": f"Number {seed}:", "seed": seed, "max_new_tokens": 6}
        return client.predict(api_name="/generate", **call)["text"]

    alone = [visit(seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(visit, (1, 2))) == alone
    assert alone[0] != alone[1]


class Page:
    """A page as the server sees it: a session that joins the queue and reads the events of its own."""

    def __init__(self, server):
        self.server, self.session = server, f"test{time.monotonic_ns()}"
        self.http = httpx.Client(base_url=server.url, timeout=120, headers={"Origin": server.url.rstrip("/")})

    def run(self, handler: str, data: list):
        """Yields the events of one handler of the page; closing it closes the connection, as closing the page does."""
        (number,) = (number for number, event in self.server.app.fns.items() if event.name == handler)
        body = {"data": data, "fn_index": number, "session_hash": self.session}
        self.http.post("gradio_api/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    event = json.loads(line[5:])
                    yield event
                    if event["msg"] == "process_completed":
                        return


@pytest.fixture
def passes(server):
    """A list that grows with every forward pass of SmolLM2."""
    passes, model = [], server.bench.model(SMOLLM2).model
    hook = model.register_forward_hook(lambda *_: passes.append(time.monotonic()))
    yield passes
    hook.remove()


@pytest.mark.weights
def test_closing_the_stream_stops_the_computing(passes):
    """Guards against a model that goes on for a visitor who has pressed Stop: when the page's handler is closed, not
    one forward pass more is made."""
    sampling = SamplingControls(max_new_tokens=200, temperature=0, top_p=1, greedy=True)
    request = WriteRequest(SessionId(), "complete", "rank", "The cat sat", sampling=sampling)
    run = streaming.stream(PageContext(SMOLLM2, "cpu", "float32"), request)
    for _ in range(4):
        next(run)
    run.close()
    before = len(passes)
    assert 0 < before < 60
    time.sleep(1)
    assert len(passes) == before


@pytest.mark.weights
def test_a_page_closed_while_generating(server, passes):
    """Guards against a server that computes for pages long gone: a connection that ends while text streams ends the
    computing too."""
    page = Page(server)
    context = [None] * 7  # states, whose values the server has
    loaded = list(page.run("load_model", [*context, SMOLLM2, "auto", "auto"]))
    assert loaded[-1]["success"]
    sampling = SamplingControls(max_new_tokens=500, temperature=0, top_p=1, greedy=True)
    rules = [getattr(sampling, name) for name in (*RANGES, "stop", "seed", "greedy")]
    values = [*context, None, "complete", "rank", None, None, "The cat sat on the mat", "", "", *rules, []]
    events = page.run("start_writing", values)
    while len(passes) < 4:
        assert next(events)["msg"] != "process_completed"
    events.close()
    page.http.close()
    while time.monotonic() - passes[-1] < 5:
        time.sleep(0.2)
    assert len(passes) < 300, "it ended long before the 500 tokens"


# --- training ---------------------------------------------------------------------------------------------------


def test_a_run_over_http(ask):
    """Guards /train and /training: the numbers are those of the same run in Python, whatever else the server does."""
    choices = {"steps": 6, "seed": 3, "batch": 4}
    started = ask("/train", lesson="repeat", **choices)
    end = time.monotonic() + 60
    while not (told := ask("/training", run=started["run"]))["finished"] or told["playing"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    expected = list(pg.train("repeat", **choices))
    assert told["step"] == 6 and told["error"] == "" and told["place"] == 0
    assert [one["held_out_loss"] for one in told["snapshots"]] == [one.held_out_loss for one in expected]
    assert told["samples"][0]["answer"] == expected[-1].samples[0].answer
    heads = expected[-1].heads["induction"]
    strongest = told["snapshots"][-1]["strongest_heads"]["induction"]
    assert strongest["value"] == heads.max() == heads[strongest["layer"], strongest["head"]]


@pytest.mark.parametrize(
    ("endpoint", "parameters", "words"),
    [
        ("/train", {"lesson": "<script>"}, "no lesson"),
        ("/train", {"steps": 10**9}, "has to be from"),
        ("/train", {"steps": -1}, "has to be from"),
        ("/train", {"lesson": "text", "data": "x"}, "1 character;"),
        ("/train", {"layers": 8, "width": 256}, "at most 2,000,000"),
        ("/train", {"optimiser": "fast"}, "no optimiser 'fast'"),
        ("/train", {"lesson": "numbers", "mlp": False}, "it has MLPs"),
        ("/training", {"run": "nosuch"}, "no run"),
    ],
)
def test_training_refuses_in_words(ask, endpoint, parameters, words):
    """Guards the server against runs that are too large, and callers against Python's words."""
    with pytest.raises(AppError, match=words):
        ask(endpoint, **parameters)
