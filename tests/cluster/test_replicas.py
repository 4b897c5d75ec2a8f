"""Pages and endpoints whose work two replicas do, each a process: the same answers, and none lost when one is killed."""

import os
import pickle
import signal
import time
from dataclasses import replace

import pytest

from playground import workbench
from playground.cluster.messages import MAX_REQUEST
from playground.cluster.options import ClusterOptions
from playground.cluster.start import start_engine
from playground.engine import engine
from playground.engine.engine import LocalEngine
from playground.engine.functions import function_named
from playground.engine.work import Work
from playground.errors import PlaygroundError
from playground.generation.sampling_controls import SamplingControls
from playground.page import create_app
from playground.settings import Settings
from playground.tabs.generate.request import WriteRequest
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from tests.tools import zoo

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r tests/requirements.txt")
WRITES = "playground.tabs.generate.tab:start_writing"
TEXT = "The cat sat on the mat"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Llama with room for a long continuation."""
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    zoo.variant("llama", vocab_size=300, max_position_embeddings=2048).save_pretrained(folder)
    zoo.byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def replicas(folder, tmp_path_factory):
    """Two replicas, and a front that has the page's handlers."""
    settings = Settings(offline=True, default_model=str(folder), cache_folder=tmp_path_factory.mktemp("cache"))
    before = workbench._shared
    started = start_engine(settings, ClusterOptions(2, 2))
    create_app(settings)
    yield started
    started.close()
    workbench.share(before)


def writing(folder, visitor: str, tokens: int = 30, seed: int | None = 3) -> Work:
    """What Generate sends."""
    page = PageContext(str(folder), text=TEXT)
    rules = SamplingControls(max_new_tokens=tokens, temperature=1.5, seed=seed)
    request = WriteRequest(f"session of {visitor}", text=TEXT, sampling=rules)
    return Work(WRITES, ((page, request), None), visitor, page.model_id)


def asking(folder, **values) -> Work:
    """What the endpoint /next_tokens sends."""
    values = {"model": str(folder), "text": TEXT, "count": 5, "device": "auto", "edits": None} | values
    return Work("playground.api.model_endpoints:next_tokens", (values,), "", str(folder))


def here(work: Work):
    """The same work, done by this process."""
    return LocalEngine().call(replace(work, run=function_named(work.function)))


def strip_of(answers) -> list[tuple]:
    """Texts, and what is said of each, on the strip after all answers."""
    shown: dict = {}
    for answer in answers:
        shown |= answer
    assert shown["message"] == "", shown["message"]
    return [(entry["text"], entry["shade"], entry["title"]) for entry in shown["strip"]["value"]]


def close(one, other) -> bool:
    """Whether two answers have the same words, and numbers within 1e-5."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(close, one, other))
    return abs(one - other) <= 1e-5 if isinstance(one, float) else one == other


def test_answers_are_those_of_this_process(replicas, folder):
    """Guards against numbers that hang on where they were computed: an endpoint's, and a stream's to its last token; the
    front holds no model, and each replica proved its own on ten texts before it served."""
    ids = replicas.identities()
    assert len({one.process for one in ids}) == 2 and {one.proof.texts for one in ids} == {10}
    assert all({"attention", "lens", "parts"} <= one.proof.worst.keys() for one in ids)
    answer, strip = replicas.call(asking(folder)), strip_of(replicas.stream(writing(folder, "anna")))
    assert workbench.shared().models.used == 0
    assert close(answer, here(asking(folder))) and close(strip, strip_of(here(writing(folder, "anna"))))


def test_a_worker_refuses(replicas, folder):
    """Guards against a replica that runs whatever it is told to, or sends numbers of other weights than those that the
    front saw; and against requests without end."""
    with pytest.raises(PlaygroundError, match="no function 'os:system'"):
        replicas.call(Work("os:system", ("true",)))
    with pytest.raises(PlaygroundError, match=f"at most {MAX_REQUEST:,}"):
        replicas.call(asking(folder, text="a" * (MAX_REQUEST + 1)))
    seen = replicas._weights[str(folder)]
    replicas._weights[str(folder)] = "00000000"
    with pytest.raises(PlaygroundError, match=f"{seen} here, 00000000 at the front"):
        replicas.call(asking(folder))
    replicas._weights[str(folder)] = seen
    assert replicas.call(asking(folder))["tokens"]


def test_stop_reaches_the_work(replicas, monkeypatch):
    """Guards against a Stop that sets a copy: what handlers share travels by its name."""
    from playground.tabs.shared.long_work import stop_work

    control = WorkControl()
    monkeypatch.setattr(engine, "_shared", replicas)
    stop_work(control)
    monkeypatch.undo()
    assert not control.stop
    assert pickle.loads(pickle.dumps(control)) is pickle.loads(pickle.dumps(control))


def test_a_reader_that_stops_reading_ends_the_work(replicas, folder):
    """Guards against work that runs ahead of a slow reader into a buffer without bounds, and on after he left."""
    answers = replicas.stream(writing(folder, "ben", tokens=400))
    next(answers)
    time.sleep(1)
    assert sum(one.streams for one in replicas.identities()) == 1
    answers.close()
    deadline = time.monotonic() + 10
    while sum(one.streams for one in replicas.identities()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not sum(one.streams for one in replicas.identities())


def test_a_killed_replica_loses_nothing(replicas, folder):
    """Guards against a stream that breaks off, begins anew before the reader's eyes, or goes on with other tokens, also
    where nobody chose a seed; and against calls that fail while their replica is gone."""
    expected = strip_of(here(writing(folder, "cleo", tokens=200)))
    answers = replicas.stream(writing(folder, "cleo", tokens=200))
    first = [next(answers), next(answers)]
    (of_cleo,) = [one.process for one in replicas.identities() if one.streams]
    open_seed = replicas.stream(replace(writing(folder, "another page", tokens=200, seed=None), visitor="cleo"))
    other_first = [next(open_seed), next(open_seed)]
    os.kill(of_cleo, signal.SIGKILL)
    rest = list(answers)
    assert replicas.repeated >= 1 and close(strip_of([*first, *rest]), expected)
    assert len(rest[0]["strip"]["value"]) >= len(first[-1]["strip"]["value"])
    assert len(strip_of([*other_first, *open_seed])) > len(TEXT)
    assert replicas.call(asking(folder))["tokens"]
