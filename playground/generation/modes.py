"""What can be done with a model in the Generate tab, and why not what can't. Knows models by their capabilities."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel

MODES = {
    "complete": "Complete",
    "chat": "Chat",
    "translate": "Translate or summarise",
    "score": "Score",
    "fill": "Fill",
}
VERBS = {
    "complete": "continue a text",
    "chat": "chat",
    "translate": "translate or summarise",
    "score": "score a text",
    "fill": "fill blanks",
}
WRITING = ("complete", "chat", "translate")
"""Modes in which the model writes."""


def reasons(model: "LoadedModel") -> dict[str, str]:
    """For each mode why it is off with this model; "" where it is on."""
    can, kind = model.capabilities, model.anatomy.kind
    two_stacks, masked = kind == "encoder-decoder", kind == "encoder"
    next_words = can.generate.reason if not can.generate else ""
    no_words = can.logits.reason if not can.logits else ""
    return {
        "complete": next_words or ("it reads a text and writes another one: translate" if two_stacks else ""),
        "chat": next_words or can.chat.reason,
        "translate": "" if two_stacks and can.generate else next_words or "it has no encoder that reads a source text",
        "score": no_words or ("" if kind == "decoder" else "it does not predict each token from those before it"),
        "fill": no_words
        or ("" if masked else "it predicts the next token and has no mask")
        or ("" if model.tokenizer.mask_token_id is not None else "its tokenizer has no mask token"),
    }


def modes_of(model: "LoadedModel") -> list[str]:
    """The modes that are on, the default first."""
    return [mode for mode, reason in reasons(model).items() if not reason]


def off_words(model: "LoadedModel") -> str:
    """What the model can't do and why, one sentence for each reason; "" where it can do everything."""
    verbs: dict[str, list[str]] = {}
    for mode, reason in reasons(model).items():
        if reason:
            verbs.setdefault(reason, []).append(VERBS[mode])
    return " ".join(f"Can't {' or '.join(does)}: {reason}." for reason, does in verbs.items())


def possible_mode(model: "LoadedModel", mode: str) -> str:
    """The mode where it is on with this model, else the model's default."""
    modes = modes_of(model)
    return mode if mode in modes else (modes or ["complete"])[0]
