"""Links on the server's side: what is carried, what opening one gives the page, how far its numbers are from the link's."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from gradio.components import Component

from playground import workbench
from playground.links.address import address_of, read_address
from playground.links.check import check_of, difference, weights_mark
from playground.links.experiment import Control, Experiment
from playground.loading import prepare
from playground.page import create_app
from playground.recording.edits.edit import Edit
from playground.settings import Settings
from playground.tabs.shared import link_view, links, sidebar
from playground.tabs.shared.link_controls import CarriedControls
from playground.tabs.shared.links import ApplyRequest, CheckRequest
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.page_edits import PageEdits
from playground.tabs.shared.sidebar import LoadRequest
from playground.workbench import Workbench
from tests.tabs.calling import answer, page_app, plain
from tests.tools import zoo

CARRIED = CarriedControls(
    (),
    (Control("layers.without-what", "text", ""),),
    {"xray": "X-ray", "attention": "Attention", "layers": "Layers"},
    {
        "attention": {"heads": "Heads", "through": "Through the layers"},
        "layers": {"lens": "Lens", "without": "Without"},
    },
    {"layers.without-what": "layers/without"},
    ("layers/push", "layers/without"),
)
EDIT = Edit("head", 1, (2,))


@pytest.fixture
def bench(tiny, tmp_path):
    settings = replace(Settings(), offline=True, default_model="llama", cache_folder=tmp_path)
    bench, before = Workbench(settings), workbench._shared
    for family in ("llama", "gpt2"):
        bench.add(tiny(family))
    workbench.share(bench)
    yield bench
    workbench.share(before)


def opened(page: PageContext, address: str) -> dict:
    """What was read of an address, at the end of its opening."""
    load = lambda model, dtype: sidebar.load_model(page, LoadRequest(model, dtype=dtype))  # noqa: E731
    *_, last = links.open_link(page, address, CARRIED, load)
    assert not {"model", "dtype"} & set(last), "the browser sets its controls first"
    return json.loads(last["restored"])


def test_a_link_opens_with_all_that_it_says(bench):
    """Guards the way of every field: what the browser sets, then what the server sets, which is what was on the page."""
    shown = Experiment("gpt2", text="the cat", edits=(EDIT,), tab="layers", view="without", layer=1, head=2, token=3)
    address = address_of(replace(shown, controls={"layers.without-what": "1.2"}), CARRIED.controls)
    said = opened(PageContext(), address)
    assert said["fixed"] == ["the cat", "layers", 1, 2, "self", True, 3] and said["views"] == ["heads", "without"]
    assert said["titles"] == [["tabs", "Layers"], ["layers-views", "Without"]]
    assert said["controls"] == {"layers.without-what": "1.2"} and said["notes"] == []
    outputs = answer(links.apply, PageContext(), ApplyRequest("", json.dumps(said)))
    assert (outputs["model"], outputs["applied"], outputs["token_text"]) == ("gpt2", "the cat", ("gpt2", "the cat"))
    assert outputs["edited"] == PageEdits("gpt2", "the cat", "Taken out: head 2 of layer 1", (EDIT,))
    assert (outputs["layers/without"], outputs["layers/push"]) == (("gpt2", "the cat"), None)
    page = PageContext("gpt2", text="the cat", edited=outputs["edited"])
    assert read_address(links.base_of(page)).experiment == Experiment("gpt2", text="the cat", edits=(EDIT,))


def test_a_model_that_is_not_here_is_named(bench):
    """Guards links between servers: the page opens with its own model and says so; the edit was of the other's heads."""
    said = opened(PageContext(), address_of(Experiment("no/such-model", text="the cat", edits=(EDIT,), tab="nowhere")))
    assert said["model"] == "llama" and "no/such-model" in said["notes"][0] and said["fixed"][:2] == ["the cat", "xray"]
    outputs = answer(links.apply, PageContext(), ApplyRequest("", json.dumps(said)))
    assert outputs["model"] == "llama" and outputs["edited"] is None


def test_what_the_page_or_its_model_lacks_is_named(bench):
    """Guards an address that goes on saying layer 999 beside the last layer's numbers, and an unknown tab without a word."""
    said = opened(PageContext(), "v=1&text=abc&layer=999&head=1&tab=zzz")
    assert said["fixed"][1:4] == ["xray", 1, 1], "the tiny model's last layer is 1"
    assert any("tab" in words for words in said["notes"]) and any("layer" in words for words in said["notes"])
    said = opened(PageContext(), "v=1&text=abc&layer=1&head=999&tab=layers&view=zzz")
    assert said["fixed"][1:4] == ["layers", 1, 3] and "view" in said["notes"][0] and "head" in said["notes"][1]


def test_an_address_that_was_left_sets_nothing(bench):
    """Guards against Back, pressed twice: the former address must not be applied after the later one."""
    assert set(links.apply(PageContext("llama"), ApplyRequest("", ""))) == {"message"}


def checked(page: PageContext, *expected) -> dict:
    request = CheckRequest("base", "attention", expected or None)
    return answer_with_note(links.check(page, request))


def answer_with_note(outputs: dict) -> dict:
    assert outputs["expected"] is None if "expected" in outputs else True
    return outputs


def test_the_same_numbers_are_said_to_be_the_same(bench, tiny):
    """Guards against a comparison that never finds a difference, or always one. The probability is transformers' own."""
    page, model = PageContext("llama", text="the cat"), tiny("llama")
    kept = json.loads(checked(page)["check"])
    logits = model.model(model.tokenizer("the cat", return_tensors="pt").input_ids).logits[0, -1]
    best, probability = int(logits.argmax()), float(logits.double().softmax(-1).max())
    assert kept == {"of": "base", "says": {"weights": weights_mark(model), "check": f"t{best}:{probability:.6f}"}}
    mark, check = kept["says"]["weights"], kept["says"]["check"]
    same = checked(page, mark, check, "auto", [], True)["note"]
    assert "pg-badge-ok" in same and "the same" in plain(same)
    other = checked(page, mark, f"t{best}:{probability + 0.001:.6f}", "auto", [], True)["note"]
    assert "pg-badge-warn" in other and "0.001000 apart" in plain(other)
    words = plain(checked(page, "0000aaaa", f"t{(best + 1) % 200}:0.500000", "int8", ["Not taken."], True)["note"])
    assert all(part in words for part in (f"{probability:.6f}", "0.500000", "0000aaaa", mark, "int8", "Not taken."))


def test_back_says_nothing_where_all_is_as_it_was(bench):
    """Guards against a line of praise at each step back."""
    page = PageContext("llama", text="the cat")
    says = json.loads(checked(page)["check"])["says"]
    assert checked(page, says["weights"], says["check"], "auto", [], False)["note"] == ""


def test_other_weights_have_another_mark(tiny):
    """Guards the mark of weights that come from no file: it is of the numbers, not of the shapes."""
    again, changed = (prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama") for _ in range(2))
    changed.model.get_input_embeddings().weight.data[0, 0] += 1e-3
    assert weights_mark(again) == weights_mark(tiny("llama")) != weights_mark(changed)


def test_a_model_without_logits_is_checked_by_its_states(tiny):
    """Guards models that embed sentences, whose links would keep nothing of the numbers; and hostile checks."""
    model = tiny("llama")
    recording = workbench.Workbench(Settings()).recording(model, "the cat")
    check = check_of(recording)
    assert difference(recording, check) == (True, links.texts.SAME_NUMBERS)
    for hostile in ("", "x", "t99999999999:0.1", f"t1:{'9' * 400}", "s:1.000000", "t1:nan"):
        assert difference(recording, hostile) == (False, "")
    assert difference(recording, "t999999999:0.100000")[1]


def test_a_text_read_beside_others_is_checked_by_itself(tiny):
    """Guards against “0.000001 apart” on the page of a class, where the last digit is that of a pass over several texts."""
    recording = workbench.Workbench(Settings()).recording(tiny("llama"), "the cat")
    outputs = recording._outputs
    nudged = replace(outputs, logits=outputs.logits * 1.001, last_logits=outputs.last_logits * 1.001)
    check = check_of(recording)
    assert not difference(replace(recording, _outputs=nudged), check)[0]
    assert difference(replace(recording, _outputs=nudged, in_company=True), check) == (True, links.texts.SAME_NUMBERS)


def test_the_address_and_its_code_are_escaped():
    """Guards the field, which shows what the browser sends, and the code, which must hold that very address."""

    class Elements(HTMLParser):
        def __init__(self):
            super().__init__()
            self.seen = []

        def handle_starttag(self, tag, attributes):
            self.seen.append(tag)

    hostile = 'http://x/#</textarea><img src=x onerror="alert(1)">'
    panel, row = link_view.link_view(hostile, "<b>")
    elements = Elements()
    elements.feed(panel)
    assert {"img", "b", "script"} & set(elements.seen) == set() and {"svg", "path"} <= set(elements.seen)
    assert row["visible"] is True
    long, _ = link_view.link_view("http://x/#" + "a" * 70_000, "")
    assert "<svg" not in long and "Too long" in plain(long) and len(long) < 70_000


@pytest.mark.slow
def test_every_control_with_a_name_is_carried():
    """Guards against controls that a link forgets: a new one of any tab is carried without further work, and those that the
    list of exceptions names are the only others. Defaults are what the page opens with."""
    before = workbench._shared
    app = create_app(replace(Settings(), offline=True))
    workbench.share(before)
    (restore,) = [f for f in app.fns.values() if f.js and "playgroundLinks.configure" in str(f.js)]
    config = json.loads(str(restore.js).split("configure(", 1)[1].rstrip(")"))
    keys = {row[0] for row in config["controls"]}
    assert {"generate.temperature", "generate.seed", "layers.without-what", "positions.positions-scheme"} <= keys
    assert not any(key.startswith("training.") or key.endswith(("attention-layer", "what-score")) for key in keys)
    assert [tab for tab, _ in config["views"]] == [
        "attention",
        "layers",
        "positions",
        "embeddings",
        "tasks",
        "training",
    ]
    defaults = {row[0]: row[1] for row in config["controls"]}
    assert defaults["generate.temperature"] == 0.7 and defaults["layers.lens-between"] is False


def test_no_two_controls_have_one_name():
    """Guards against a control that no link carries, and that no style or script can reach, because another one of the page
    has its name: Side by side had two templates, A list two fields of lines."""
    names = [block.elem_id for block in page_app().blocks.values() if isinstance(block, Component) and block.elem_id]
    assert len(names) > 200 and {name for name in names if names.count(name) > 1} == set()
