"""Texts of what all tabs have in common: the header, the sidebar, the visitor's text and its examples."""

from typing import NamedTuple


class Example(NamedTuple):
    """A text to try. Each ends where the model has something to predict, and works on a model that reads left to right."""

    text: str
    shows: str
    """What to look for, in a sentence."""


EXAMPLES = {
    "“it” → whom?": Example(
        "The animal didn't cross the street because it was too tired. So the tired",
        "Who was tired? With “wide” in both places, is it the street?",
    ),
    "a repeated name": Example(
        "Mr and Mrs Dursley lived at number four. Mr and Mrs Durs",
        "Heads look back at the name's twin and copy what followed.",
    ),
    "counting": Example(
        "One, two, three, four, five, six, seven,", "Which number comes next, and after which layer is it sure?"
    ),
    "a capital": Example(
        "The capital of France is Paris. The capital of Italy is",
        "The text does not say it: it comes from the model's weights.",
    ),
    "Python": Example(
        "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return a",
        "Does the model copy the “+” above, or read “subtract”?",
    ),
    "中文": Example("1月、2月、3月、4", "“月” is not in the vocabulary: the answer is half of it."),
}
"""By the words on their buttons, which say what they show."""
EDITS_ON = "{what}, in all tabs but Tasks and Train. Exchange, Break it and the Projector use the whole model as well."
EDITS_ELSEWHERE = "{what}: kept for {model} and the text in which it was done. Here the model is whole."
EDITS_OFF = "Put it back"

FIRST_TEXT = EXAMPLES["a capital"].text

HEADER = "Watch a model think. Check any number."
OPENING = "Transformer Playground", "Opening the page …"
OPENING_IN_CHINESE = "Transformer Playground", "正在打开页面……"
"""It stands there before the table of Chinese texts has come."""
CHINESE = "中文"
"""On the button that switches the language; the script of the page's language changes it."""
YOUR_TEXT = "Your text"
ANALYSE = "Analyse"
APPLY_HINT = "Shift+Enter to analyse"
CHANGED = "Changed – Shift+Enter to analyse. The tabs still show the text before."

MODEL_FROM_LIST = "From the list."
MODEL_FROM_HUB = "From the list, or type a hub id (owner/name)."
MODEL_FROM_ANYWHERE = "From the list, or type a hub id (owner/name) or a folder."
OUT_OF_REACH = "can't be reached from here"
"""Of a model that is not on this machine while the hub gives no answer."""
CHOOSE_ANOTHER = "Or choose another model in the sidebar."
"""Where no model could be loaded, behind the remedy of the error, also in the places of the pictures."""
COMPUTED = "Computed by"
CANT_DO = "What this model can't do"
CANCELLED = "Loading was cancelled, unless others wait for it too. The former model, if there was one, is still there."
ANNOUNCED = {"common.complete": "Done"}
"""Read aloud when a handler has answered; Gradio has no word for this key and would read the key. (Gradio 6.31)"""
NO_ROOM_BESIDE = (
    "The two models don't fit together: {second} needs {needed} beside the {kept} of {first}, and this server keeps {limit} "
    "of models at most."
)
NO_MEMORY_BESIDE = (
    "The two models don't fit into memory together: {second} needs about {needed} beside the {kept} of {first}, and {limit} "
    "are free."
)
SMALLER_BESIDE = "Choose a smaller second model, or a smaller number format. The first one is still there."
UNFORESEEN_REMEDY = "The rest of the page goes on."
GATED = "The hub asks for an account and a licence."
