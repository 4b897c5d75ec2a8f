"""Texts of what all tabs have in common: the sidebar, the text under the lens and its examples."""

EXAMPLES = {
    "coreference": "The animal didn't cross the street because it was too tired.",
    "repetition": "Mr and Mrs Dursley lived at number four. Mr and Mrs Dursley were proud.",
    "numbers": "One two three four five six seven",
    "facts": "The capital of France is Paris. The capital of Italy is",
    "code": "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return",
    "中文": "今天天气很好，我们去公园散步。",
}
"""Each named after what it shows."""
FIRST_TEXT = EXAMPLES["facts"]

MODEL_FROM_LIST = "From the list."
MODEL_FROM_HUB = "From the list, or type a hub id (owner/name)."
MODEL_FROM_ANYWHERE = "From the list, or type a hub id (owner/name) or a folder."
LENS_HELP = "Every tab looks at this text. Press Look, or Shift+Enter, to apply what you typed."
CANCELLED = "Loading was cancelled, unless others wait for it too. The former model, if there was one, is still there."
UNFORESEEN_REMEDY = "The rest of the page goes on."
GATED = "The hub asks for an account and a licence."
