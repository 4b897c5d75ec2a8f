"""Why a token stands where it does: the distribution that it came from, and how it was picked.

Each answer names four outputs: `chart` (bars of the candidates), `detail` (a sentence), `stages` (what each rule did) and
`pieces` (the choice between the byte pieces of a character). Knows recordings and steps; knows no components of the page.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.text_display import percent, plain_mark
from playground.components import markup
from playground.figures.generation.next_token import distribution_figure
from playground.figures.generation.sampling_stages import stages_figure
from playground.tabs.generate.strip import surprisal
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from playground.analysis.generation.sampling_stages import TokenChoice
    from playground.generation.steps import Alternative, NextTokens, Step, TokenLikelihood
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

BARS = 12
OTHERS_WORDS = "Click another bar to go on with that token."
NO_STAGES = gr.update(value=None, visible=False)
NO_PIECES = gr.update(choices=[], value=None, visible=False)
NOTHING: Outputs = {"chart": None, "detail": "", "stages": NO_STAGES, "pieces": NO_PIECES}
"""Where no token is explained."""


def explain_next(expected: "NextTokens") -> Outputs:
    """What the model expects after the text."""
    words = (
        f"Entropy {expected.entropy:.2f} bits: as unsure as among {2**expected.entropy:,.0f} equally likely tokens. "
        "Click a bar to go on with that token."
    )
    return NOTHING | {"chart": bars(expected.alternatives, "What comes next"), "detail": markup.note(words)}


def explain_prompt_token(recording: "Recording", index: int) -> Outputs:
    """What the model expected at a token of the text: a decoder from the tokens before it, a masked model from the
    whole text. No chart where it expected nothing."""
    from playground.generation.steps import next_tokens

    token, model = recording.tokens[index], recording.model
    row = index if model.anatomy.kind == "encoder" else index - 1
    if not model.capabilities.logits:
        return NOTHING | {"detail": markup.note(f"This model expects no words: {model.capabilities.logits.reason}.")}
    if row < 0:
        words = "Here the text begins: nothing came before that could predict it."
        return NOTHING | {"detail": markup.note(words)}
    expected = next_tokens(model, recording.logits_of([row])[0], BARS, token.id)
    assert expected.actual is not None
    return _explanation(token.label, expected.actual, expected.entropy, expected.alternatives)


def explain_step(model: "LoadedModel", step: "Step", label: str) -> Outputs:
    """The distribution that a generated token came from, with the stages where a rule changed the distribution or the
    token was drawn."""
    explanation = _explanation(label, step, step.entropy, step.alternatives)
    if step.choice is None:
        how = "You chose it." if step.by_hand else "Beam search kept it; nothing was drawn."
    else:
        how = f"{draw_words(step.choice)} Computed in {step.seconds * 1000:,.0f} ms."
        explanation["stages"] = stages_view(model, step.choice, label)
    explanation["detail"] += markup.note(f"{how} {OTHERS_WORDS}")
    return explanation


def pieces_view(model: "LoadedModel", ids: Sequence[int], entries: list[dict], place: int) -> dict:
    """The choice between the tokens that a character is made of, with the one at a place of the strip chosen; hidden
    where the character is one token. ids and entries are those of the whole strip; each choice is its token's place."""
    piece, count = entries[place].get("piece") or (1, 1)
    if count == 1:
        return NO_PIECES
    first = place - piece + 1
    choices = []
    for number, n in enumerate(range(first, first + count), start=1):
        share = entries[n].get("probability")
        name = f"{number}/{count} {plain_mark(model.vocabulary.text(ids[n]), 24)}"
        choices.append((name if share is None else f"{name} · {percent(share)}", n))
    label = f"“{plain_mark(entries[place]['text'], 24)}” is made of {count} tokens: look at"
    return gr.update(choices=choices, value=place, visible=True, label=label)


def stages_view(model: "LoadedModel", choice: "TokenChoice", name: str) -> dict:
    """The picture of the rules; hidden where no rule applied and the most probable token was taken."""
    if choice.draw is None and len(choice.stages) == 1:
        return NO_STAGES
    labels = [model.vocabulary.token(i).label for i in choice.candidates]
    title = f"How “{plain_mark(name, 24)}” was picked, rule by rule"
    return gr.update(value=stages_figure(choice, labels, title=title), visible=True)


def draw_words(choice: "TokenChoice") -> str:
    """What the rules and the draw did, in a sentence."""
    if choice.draw is None:
        return "The most probable token was taken; nothing was drawn."
    last = choice.stages[-1]
    return (
        f"It was drawn with probability {choice.probability:.3g} from {last.kept:,} tokens that the rules left: the random "
        f"number {choice.draw.number:.4f} fell between {choice.draw.start:.4f} and {choice.draw.end:.4f}."
    )


def bars(
    alternatives: "Sequence[Alternative]",
    title: str,
    token: str = "",
    likelihood: "TokenLikelihood | Step | None" = None,
) -> "go.Figure":
    """The candidates as bars, the token that stands there in the accent colour; a token that is not among them gets a
    bar of its own below."""
    labels, shares = [a.token.label for a in alternatives], [a.probability for a in alternatives]
    if likelihood is None:
        return distribution_figure(labels, shares, title=title)
    if likelihood.rank > len(labels):
        labels, shares = [*labels, token], [*shares, likelihood.probability]
    return distribution_figure(labels, shares, chosen=min(likelihood.rank, len(labels)) - 1, title=title)


def _explanation(
    label: str, likelihood: "TokenLikelihood | Step", entropy: float, alternatives: "Sequence[Alternative]"
) -> Outputs:
    name, probability = plain_mark(label, 24), likelihood.probability
    words = (
        f"“{name}” had probability {probability:.3g} and rank {likelihood.rank:,}: a surprisal of "
        f"{surprisal(probability):.2f} bits, where the distribution's entropy is {entropy:.2f} bits."
    )
    chart = bars(alternatives, f"Expected where “{name}” stands", label, likelihood)
    return NOTHING | {"chart": chart, "detail": markup.note(words)}
