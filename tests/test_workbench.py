"""What visitors share: models loaded once, recordings made once, both within their budgets, whatever visitors do."""

import gc
import os
import shutil
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from playground import workbench
from playground.catalog import DEFAULT_MODEL
from playground.embeddings.sentence_vectors import MEAN
from playground.errors import Cancelled, NoRoomBeside, NotEnoughMemory, PlaygroundError
from playground.models import devices
from playground.page import create_app
from playground.positions.perturbations import PerturbationSettings
from playground.recording import record as record_module
from playground.recording.record import record
from playground.recording.shared_recording import RECORDED_AT_ONCE
from playground.settings import MIB, Settings
from playground.workbench import ByteBudgetCache, Workbench
from tests.tools import zoo


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """Folders of two tiny models, `llama` and `gpt2`."""
    root = tmp_path_factory.mktemp("saved")
    for family in ("llama", "gpt2"):
        zoo.save(family, root / family)
    return root


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(cache_folder=tmp_path, offline=True, catalog_only=False)


class Loads:
    """Counts the loadings that really reach transformers, and holds them at its door when told to."""

    def __init__(self, monkeypatch):
        self.folders, self.go_on, self.arrived = [], threading.Event(), threading.Semaphore(0)
        self.go_on.set()
        own = AutoTokenizer.from_pretrained

        def counted(folder, *arguments, **options):
            self.folders.append(Path(folder).name)
            self.arrived.release()
            assert self.go_on.wait(60)
            return own(folder, *arguments, **options)

        monkeypatch.setattr(AutoTokenizer, "from_pretrained", counted)


@pytest.fixture
def loads(monkeypatch) -> Loads:
    loads = Loads(monkeypatch)
    yield loads
    loads.go_on.set()


def last(statuses):
    """The model that a loading ends with."""
    return list(statuses)[-1].model


# --- the cache -------------------------------------------------------------------------------------------------


def test_the_least_recently_used_goes_first():
    """Guards against eviction by age, or by number instead of bytes."""
    cache, gone = ByteBudgetCache(10), []
    cache._on_evict = gone.append
    for value in ("aaaa", "bbbb"):
        cache.get(value, lambda value=value: value, len)
    cache.get("aaaa", lambda: pytest.fail("it was there"), len)
    cache.get("cccc", lambda: "cccc", len)
    assert (cache.peek("aaaa"), cache.peek("bbbb"), cache.peek("cccc")) == ("aaaa", None, "cccc")
    assert gone == ["bbbb"] and cache.used == 8
    cache.get("d" * 9, lambda: "d" * 9, len)
    assert cache.peek("aaaa") is None and cache.used == 9


def test_a_value_larger_than_the_budget_stays_until_the_next():
    """Guards against a model that is evicted before its visitor has seen it, or an endless loop."""
    cache = ByteBudgetCache(3)
    assert cache.get("big", lambda: "bigger", len) == cache.peek("big") == "bigger"
    cache.get("x", lambda: "x", len)
    assert cache.peek("big") is None and cache.used == 1


def test_release_and_forget():
    """Guards against room made at the wrong end, or too much of it."""
    cache = ByteBudgetCache(100)
    for value in ("aaa", "bbb", "ccc"):
        cache.get(value, lambda value=value: value, len)
    assert cache.release(0) == 0
    assert cache.release(4) == 6 and cache.peek("ccc")
    cache.forget(lambda key, value: value == "ccc")
    assert cache.used == 0
    assert cache.release(5) == 0


def test_made_once_for_many_threads():
    """Guards against thirty students costing thirty forward passes."""
    cache, made, start = ByteBudgetCache(100), [], threading.Barrier(12)

    def make():
        made.append(threading.current_thread())
        waiting.wait(5)
        return object()

    waiting = threading.Event()

    def ask(number):
        start.wait()
        if number == 11:
            waiting.set()
        return cache.get("key", make, lambda value: 1)

    with ThreadPoolExecutor(12) as pool:
        values = set(pool.map(ask, range(12)))
    assert len(made) == len(values) == 1


@pytest.mark.parametrize("where", ["make", "size"])
def test_a_failure_reaches_everyone_and_is_not_kept(where):
    """Guards against visitors who wait forever for a value whose making failed, and against a failure kept like a
    value."""
    cache, entered, go_on = ByteBudgetCache(100), threading.Event(), threading.Event()

    def fail(*_):
        entered.set()
        assert go_on.wait(30)
        raise PlaygroundError("No.", "Try again.")

    def ask():
        with pytest.raises(PlaygroundError, match="Try again"):
            cache.get("key", fail if where == "make" else str, fail if where == "size" else len)
        return True

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask)
        assert entered.wait(30)
        others = [pool.submit(ask) for _ in range(2)]
        go_on.set()
        assert all(future.result(30) for future in [first, *others])
    assert cache.get("key", lambda: "value", len) == "value"


# --- models ----------------------------------------------------------------------------------------------------


def test_loaded_once_for_many_visitors(saved, settings, loads):
    """Guards against a model in memory as often as it has visitors."""
    bench, folder = Workbench(settings), str(saved / "llama")
    auto = "cpu" if torch.cuda.is_available() else "auto"
    loads.go_on.clear()
    with ThreadPoolExecutor(5) as pool:
        futures = [pool.submit(last, bench.loading(folder, auto)) for _ in range(3)]
        futures += [pool.submit(bench.model, folder, "cpu", "float32") for _ in range(2)]
        assert loads.arrived.acquire(timeout=60)
        loads.go_on.set()
        models = {future.result(120) for future in futures}
    assert len(models) == 1 and loads.folders == ["llama"]
    assert bench.model(folder, auto, "auto") in models, "auto and cpu are the same device here"
    assert bench.model(f"  {folder} ", auto) in models
    assert bench.model(folder, auto, "bfloat16") not in models
    assert len(loads.folders) == 2


def test_progress_is_told(saved, settings):
    """Guards against a bar that stands still, and seconds that run backwards."""
    bench = Workbench(settings)
    statuses = list(bench.loading(str(saved / "llama"), every=0.001))
    assert statuses[-1].model.anatomy.family == "llama" and statuses[-1].share == 1.0
    assert all(status.model is None for status in statuses[:-1])
    assert len({status.message for status in statuses}) > 2
    seconds = [status.seconds for status in statuses]
    assert seconds == sorted(seconds)
    again = list(bench.loading(str(saved / "llama")))
    assert len(again) == 1 and again[0].model is statuses[-1].model, "what is loaded is there at once"


def test_only_the_last_to_leave_cancels(saved, settings, loads):
    """Guards against one visitor's Cancel (or closed page) taking the model from all the others."""
    bench, folder = Workbench(settings), str(saved / "llama")
    loads.go_on.clear()
    stays, leaves = bench.loading(folder), bench.loading(folder)
    next(stays), next(leaves)
    leaves.close()
    assert loads.arrived.acquire(timeout=60)
    loads.go_on.set()
    assert last(stays) is not None and loads.folders == ["llama"]


def test_cancelled_by_the_last(saved, settings, loads):
    """Guards against a loading that goes on for nobody, and against a Cancel that meets whoever asks next, while the
    cancelled loading is still winding down."""
    bench, folder = Workbench(settings), str(saved / "llama")
    loads.go_on.clear()
    first, second = bench.loading(folder), bench.loading(folder)
    next(first), next(second)
    assert loads.arrived.acquire(timeout=60)
    first.close(), second.close()
    third = bench.loading(folder)
    next(third)
    with ThreadPoolExecutor(1) as pool:
        direct = pool.submit(bench.model, folder)
        loads.go_on.set()
        assert last(third) is direct.result(120)
    assert loads.folders == ["llama", "llama"], "the cancelled loading gave no model; the next one began afresh"


@pytest.mark.slow
def test_a_failed_load_leaves_the_former_usable(saved, settings, tmp_path):
    """Guards against an exchange in which the former model is thrown away first, and against a failure kept: mended,
    the folder loads."""
    bench = Workbench(settings)
    former = bench.model(str(saved / "gpt2"))
    broken = Path(shutil.copytree(saved / "llama", tmp_path / "broken"))
    (broken / "model.safetensors").write_bytes(b"half")
    for _ in range(2):
        with pytest.raises(PlaygroundError) as refused:
            last(bench.loading(str(broken)))
        assert refused.value.remedy
    assert bench.model(str(saved / "gpt2")) is former
    assert bench.recording(former, "still here").attention(0).heads == 4
    shutil.copy(saved / "llama" / "model.safetensors", broken)
    assert bench.model(str(broken)).anatomy.family == "llama"


def test_a_model_of_another_kind_is_refused(settings, tmp_path):
    """Guards against a page that dies of a stranger's model: Mamba has no attention heads, so its anatomy fails."""
    config = AutoConfig.for_model("mamba", vocab_size=zoo.VOCABULARY, hidden_size=32, num_hidden_layers=2, state_size=4)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "mamba")
    zoo.byte_tokenizer().save_pretrained(tmp_path / "mamba")
    with pytest.raises(PlaygroundError) as refused:
        Workbench(settings).model(str(tmp_path / "mamba"))
    assert refused.value.remedy


@pytest.mark.parametrize(
    "model_id", ["", "  ", None, 5, "/no/such/folder", "a\0b", "~nobody-here/model", "x" * 5000, ".."]
)
def test_what_is_no_model_is_refused(settings, model_id):
    """Guards against an OSError from looking at the disk with what a visitor typed."""
    with pytest.raises(PlaygroundError) as refused:
        Workbench(settings).model(model_id)
    assert refused.value.remedy


def test_unknown_devices_and_formats_are_refused(saved, settings):
    """Guards against a KeyError: both messages list the choices."""
    with pytest.raises(PlaygroundError, match="cuda:99.*cpu"):
        Workbench(settings).model(str(saved / "gpt2"), "cuda:99")
    with pytest.raises(PlaygroundError, match="int3.*bfloat16"):
        Workbench(settings).model(str(saved / "gpt2"), "cpu", "int3")


@pytest.mark.slow
def test_memory_pressure_makes_room(saved, settings, monkeypatch):
    """Guards against a refusal while models that nobody looks at fill the memory, and against evicting models where
    even that would not help. Only the free memory is pretended."""
    bench = Workbench(settings)
    idle = bench.model(str(saved / "gpt2"))
    size = idle.anatomy.weight_bytes
    bench.recording(idle, "kept")
    reference, idle = weakref.ref(idle.model), None
    free = {True: 1, False: 100 * MIB}
    monkeypatch.setattr(devices, "free_memory", lambda device: free[bench.models.used > 0])
    with pytest.raises(NotEnoughMemory, match="Choose a smaller"):
        free[True] = -size  # so much is missing that evicting would not do
        bench.model(str(saved / "llama"))
    assert bench.models.used == size
    free[True] = 0
    needed = sum(tensor.nbytes for tensor in load_file(saved / "llama" / "model.safetensors").values())
    monkeypatch.setattr("playground.loading.memory._HEADROOM", min(1.0, size / needed))
    assert bench.model(str(saved / "llama")).anatomy.family == "llama"
    gc.collect()
    assert reference() is None, "the evicted model's memory must really be free, whatever was recorded with it"
    assert bench._recordings.used == 0


@pytest.mark.slow
def test_a_second_model_never_evicts_the_first(saved, settings, monkeypatch):
    """Guards against a comparison that evicts the model of the page, and against a refusal without both sizes: where both
    don't fit, the first stays; where they do, others go, though the first was used longest ago; the next visitor, who needs
    no first one, is not refused. Of the free memory too, which is pretended."""
    first = Workbench(settings).model(str(saved / "gpt2"))
    size, other = first.anatomy.weight_bytes, str(saved / "llama")
    bench = Workbench(replace(settings, model_budget=size + 10))
    first = bench.model(first.model_id)
    with pytest.raises(NoRoomBeside, match=r"llama needs \d+ KiB beside the .* KiB of .*gpt2, and this server"):
        last(bench.loading(other, beside=first))
    assert bench.loaded(first.model_id) is first and not bench.models.is_evicted(first)
    second = last(bench.loading(other))
    assert second.model_id == other and bench.models.is_evicted(first)

    bench = Workbench(replace(settings, model_budget=size + second.anatomy.weight_bytes))
    first, idle = bench.model(first.model_id), bench.model(first.model_id, dtype="float16")
    last(bench.loading(other, beside=first))
    assert bench.loaded(first.model_id) is first and bench.models.is_evicted(idle)

    bench = Workbench(settings)
    first = bench.model(first.model_id)
    monkeypatch.setattr(devices, "free_memory", lambda device: 1024)
    with pytest.raises(NoRoomBeside, match=r"llama needs about .* KiB of .*gpt2, and 1 KiB are free"):
        last(bench.loading(other, beside=first))
    assert bench.loaded(first.model_id) is first


@pytest.mark.slow
def test_models_stay_within_their_budget(saved, settings):
    """Guards against a server that fills its memory model by model; an evicted one is simply loaded again."""
    bench = Workbench(replace(settings, model_budget=1))
    first = bench.model(str(saved / "gpt2"))
    second = bench.model(str(saved / "llama"))
    assert bench.models.used == second.anatomy.weight_bytes
    again = bench.model(str(saved / "gpt2"))
    assert again is not first and again.key == first.key


@pytest.mark.slow
def test_a_changed_folder_is_loaded_afresh(saved, settings, tmp_path):
    """Guards against a class that trains, saves, and keeps looking at the old weights; also when a file with an older
    time is put in its place."""
    bench, folder = Workbench(settings), Path(shutil.copytree(saved / "gpt2", tmp_path / "mine"))
    weights = folder / "model.safetensors"
    before = bench.model(str(folder))
    recording = bench.recording(before, "the same text")
    changed = {name: 2 * tensor for name, tensor in load_file(weights).items()}
    time = weights.stat().st_mtime_ns - 10**12
    save_file(changed, weights, {"format": "pt"})
    os.utime(weights, ns=(time, time))
    after = bench.model(str(folder))
    assert after is not before and after.key != before.key
    assert not torch.equal(bench.recording(after, "the same text").logits, recording.logits)
    assert bench.model(str(folder)) is after


# --- recordings ------------------------------------------------------------------------------------------------


def test_recordings_are_shared(tiny, settings):
    """Guards against a forward pass for every look, and against one recording for different questions."""
    bench, model, passes = Workbench(settings), tiny("gpt2"), []
    hook = model.model.register_forward_hook(lambda *_: passes.append(1))
    try:
        with ThreadPoolExecutor(6) as pool:
            found = set(pool.map(lambda _: bench.recording(model, "the same text"), range(6)))
        assert len(found) == len(passes) == 1
        assert bench.recording(model, "another text") not in found
        assert bench.recording(tiny("llama"), "the same text") not in found
        assert len(passes) == 2
        with pytest.raises(PlaygroundError, match="no text"):
            bench.recording(model, "")
    finally:
        hook.remove()


def test_few_texts_are_read_at_once(tiny, settings, monkeypatch):
    """Guards against a class whose thirty texts are all read at once, so that nobody's first picture comes before the last
    one's; and against a text that fails and keeps its place."""
    bench, model, own = Workbench(settings), tiny("bert"), record_module.record
    reading, most = [], []

    def slow(*arguments, **options):
        reading.append(1)
        most.append(len(reading))
        time.sleep(0.02)
        try:
            return own(*arguments, **options)
        finally:
            reading.pop()

    monkeypatch.setattr(record_module, "record", slow)
    with ThreadPoolExecutor(12) as pool:
        results = [pool.submit(bench.recording, model, "abc" + "d" * n if n % 3 else "") for n in range(12)]
    assert [result.exception() is None for result in results] == [n % 3 > 0 for n in range(12)]
    assert max(most) == RECORDED_AT_ONCE


def test_targets_and_pairs_are_part_of_the_question(tiny, settings):
    """Guards against an encoder-decoder that shows the former target's attention."""
    bench, model = Workbench(settings), tiny("bart")
    assert (
        bench.recording(model, "source", "one").target_tokens != bench.recording(model, "source", "two").target_tokens
    )
    assert bench.recording(model, "source", "one") is bench.recording(model, "source", "one")


def test_recordings_stay_within_their_budget(tiny, settings):
    """Guards against memory growing with every text typed: what is evicted is simply made again, the same."""
    size = Workbench(settings).recording(tiny("gpt2"), "text number 0").nbytes
    bench = Workbench(replace(settings, recording_budget=3 * size))
    first = bench.recording(tiny("gpt2"), "text number 0").logits
    for number in range(1, 6):
        bench.recording(tiny("gpt2"), f"text number {number}")
        assert bench._recordings.used <= 3 * size
    assert bench._recordings.used == 3 * size
    assert torch.equal(bench.recording(tiny("gpt2"), "text number 0").logits, first)


@pytest.mark.slow
def test_a_recording_does_not_outlive_its_model(saved, settings):
    """Guards against a model held by a recording that was still in the making when the model was evicted: there was nothing
    to forget yet, and nobody came back for it."""
    bench = Workbench(settings)
    first = bench.model(str(saved / "gpt2"), "cpu")
    kept = bench.recording(first, "kept")
    assert bench.recording(first, "kept") is kept, "as long as its model is there"
    hook = first.model.register_forward_hook(lambda *_: bench.models.release(1) and None)
    late = bench.recording(first, "evicted meanwhile")
    hook.remove()
    assert len(late.tokens) == 17 and bench._recordings.used == 0
    reference, first, kept, late = weakref.ref(first.model), None, None, None
    gc.collect()
    assert reference() is None


# --- the memo --------------------------------------------------------------------------------------------------


def test_memo_computes_once_for_thirty_visitors(tiny, settings):
    """Guards against thirty students who cost thirty computations of one picture."""
    bench, model, made, start = Workbench(settings), tiny("gpt2"), [], threading.Barrier(30)
    recording = bench.recording(model, "the same text")

    def click(_):
        start.wait()
        return bench.memo(recording, "picture", lambda: made.append(1) or np.zeros(100))

    with ThreadPoolExecutor(30) as pool:
        pictures = {id(picture) for picture in pool.map(click, range(30))}
    assert len(made) == len(pictures) == 1
    assert bench.memo(model, "picture", lambda: "another owner") == "another owner"


def test_memo_stays_within_its_budget(tiny, settings):
    """Guards against pictures that pile up beside the recordings, which alone were bounded."""
    bench, model = Workbench(replace(settings, memo_budget=10_000)), tiny("gpt2")
    for number in range(20):
        bench.memo(model, number, lambda: np.zeros(500))
        assert bench._memo.used <= 10_000
    assert bench._memo.used == 8_000
    bench.memo(model, 19, lambda: pytest.fail("it was there"))
    assert bench.memo(model, 0, lambda: "made again") == "made again"


@pytest.mark.slow
def test_memo_goes_with_its_recording(tiny, settings):
    """Guards against the pictures of a recording that was evicted, also while a visitor still holds it."""
    model = tiny("gpt2")
    size = Workbench(settings).recording(model, "text number 0").nbytes
    bench = Workbench(replace(settings, recording_budget=size))
    first = bench.recording(model, "text number 0")
    bench.memo(first, "picture", lambda: np.zeros(100))
    bench.recording(model, "text number 1")
    assert bench._memo.used == 0
    bench.memo(first, "picture", lambda: np.zeros(100))
    del first
    gc.collect()
    assert bench._memo.used == 0


@pytest.mark.slow
def test_memo_goes_with_its_model(saved, settings):
    """Guards against an evicted model that results keep in memory, also one that was still being computed meanwhile."""
    bench = Workbench(settings)
    model = bench.model(str(saved / "gpt2"), "cpu")
    recording = bench.recording(model, "some text")
    bench.memo(model, "layout", lambda: np.zeros(100))
    bench.memo(recording, "picture", lambda: np.zeros(100))
    assert bench._memo.used == 1600
    bench.models.release(1)
    assert bench._memo.used == 0
    model = bench.model(str(saved / "gpt2"), "cpu")

    def make():
        bench.models.release(1)
        return [model]

    assert bench.memo(model, "layout", make) == [model] and bench._memo.used == 0
    reference, model, recording = weakref.ref(model.model), None, None
    gc.collect()
    assert reference() is None


def test_memo_passes_cancelled_work_on(tiny, settings):
    """Guards against one visitor's Cancel that meets all who wait for the same layout; who cancels is told so."""
    bench, model, entered, go_on = Workbench(settings), tiny("gpt2"), threading.Event(), threading.Event()

    def cancelled():
        entered.set()
        assert go_on.wait(30)
        raise Cancelled("Placing")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bench.memo, model, "layout", cancelled)
        assert entered.wait(30)
        second = pool.submit(bench.memo, model, "layout", lambda: "made")
        go_on.set()
        with pytest.raises(Cancelled):
            first.result(30)
        assert second.result(30) == "made"


def test_sessions_have_their_budget(settings):
    """Guards against a store of sessions that does not keep to the settings."""
    bench = Workbench(replace(settings, session_budget=10))
    for name in ("a", "b"):
        bench.sessions.put(name, np.zeros(8, np.uint8))
    assert bench.sessions.get("a") is None and bench.sessions.was_evicted("a")
    assert bench.sessions.used == 8


@pytest.mark.parametrize(("gpus", "same"), [(1, True), (2, False)])
def test_the_only_gpu_has_one_name(saved, settings, monkeypatch, gpus, same):
    """Guards against a model in memory twice because one visitor wrote cuda and another cuda:0; of several GPUs cuda means
    all that a model needs."""
    names = ("auto", "cpu", "cuda", *(f"cuda:{number}" for number in range(gpus)))
    monkeypatch.setattr(devices, "available_devices", lambda: names)
    keys = [
        Workbench(settings).models._key(str(saved / "gpt2"), device, "float32") for device in ("cuda", "cuda:0", "cpu")
    ]
    assert (keys[0] == keys[1]) == same and keys[2] not in keys[:2]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["experiment", "sentences"])
def test_what_was_found_does_not_outlive_its_model(saved, settings, what):
    """Guards against a model that was evicted while its text was broken, or its sentences encoded, and that stays in memory
    for what came of it."""
    bench = Workbench(settings)
    model = bench.model(str(saved / "gpt2"))

    def ask():
        if what == "sentences":
            return bench.sentences(model, ("one line", "another"), MEAN)
        return bench.experiment(record(model, "some text"), PerturbationSettings(shift=1))

    assert ask() is ask() and bench._recordings.used, "as long as its model is there"
    bench._recordings.release(2**40)
    hook = model.model.base_model.register_forward_hook(lambda *_: (bench.models.release(1), None)[1])
    found = ask()
    hook.remove()
    assert found.model is model and bench._recordings.used == 0


def test_visitors_of_one_device_share_one_queue(tiny, settings):
    """Guards against two who write at once on the same GPU because one chose cuda and the other cuda:0."""
    bench = Workbench(settings)

    def turns(device: str):
        return bench.generation.turns(replace(tiny("gpt2"), device=devices.DeviceChoice(torch.device(device), "")))

    assert turns("cuda") is turns("cuda:0") is not turns("cuda:1")
    assert turns("cpu") is turns("cpu") is not turns("cuda:0")
    assert turns("mps") is turns("mps:0")


# --- models made by hand ---------------------------------------------------------------------------------------


def test_a_model_made_by_hand_is_offered_under_its_name(tiny, settings):
    """Guards against an added model that is looked for on disk, evicted, or given out as one in another number format."""
    bench, model = Workbench(replace(settings, model_budget=0)), tiny("gpt2")
    bench.add(model)
    assert bench.model("gpt2") is bench.model("gpt2", "cpu", "float32") is model
    with pytest.raises(PlaygroundError):
        bench.model("gpt2", "cpu", "bfloat16")
    bench.models.release(2**40)
    recording = bench.recording(model, "some text")
    assert bench.model("gpt2") is model and bench.recording(model, "some text") is recording


@pytest.mark.slow
def test_a_page_opens_on_the_default_model_of_its_settings(settings, monkeypatch):
    """Guards against a default model that the settings name and the page, or the catalog's default, contradicts."""
    monkeypatch.setattr(workbench, "_shared", None)  # put back afterwards: create_app shares a workbench
    app = create_app(replace(settings, default_model="/models/mine"))
    (chooser,) = [block for block in app.blocks.values() if getattr(block, "elem_id", None) == "model"]
    assert chooser.value == "/models/mine"
    assert Settings().default_model == DEFAULT_MODEL
