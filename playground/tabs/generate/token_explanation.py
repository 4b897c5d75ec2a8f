"""Why a token stands where it does: the distribution it came from, and how it was picked. Each answer is a bar chart,
a sentence, a picture of the stages and the choice between the byte pieces of a character, in this order. Knows recordings
and steps; knows no components of the page.
"""

import gradio as gr

from playground.analysis.text_display import percent, plain_mark
from playground.components import markup
from playground.figures.generation.next_token import distribution_figure
from playground.figures.generation.sampling_stages import stages_figure
from playground.tabs.generate.strip import surprisal

BARS = 12
OTHERS_WORDS = "Click another bar to go on with that token."
NO_STAGES = gr.update(value=None, visible=False)
NO_PIECES = gr.update(choices=[], value=None, visible=False)
NOTHING = (None, "", NO_STAGES, NO_PIECES)
"""Chart, sentence, stages and pieces where nothing is explained."""


def asked_for(recording) -> int:
    """The token of a masked model's text to explain first: its first mask, else the last that is none of the
    special ones."""
    mask = recording.model.tokenizer.mask_token_id
    masks = [index for index, token in enumerate(recording.tokens) if token.id == mask]
    plain = [index for index, token in enumerate(recording.tokens) if not token.special]
    return (masks or plain[-1:] or [0])[0]


def explain_next(following) -> tuple:
    """Bar chart and sentence of the NextTokens that come after the text, and no more."""
    labels, shares = zip(*((a.token.label, a.probability) for a in following.alternatives), strict=True)
    words = (
        f"Entropy {following.entropy:.2f} bits: as unsure as among {2**following.entropy:,.0f} equally likely tokens. "
        "Click a bar to go on with that token."
    )
    return distribution_figure(labels, shares, title="What comes next"), markup.note(words), NO_STAGES, NO_PIECES


def explain_given(recording, index: int) -> tuple:
    """Bar chart, sentence and no stages of what the model expected at a token of the text: a decoder from the tokens
    before it, a masked model from the whole text; no chart where it expected nothing."""
    from playground.generation.steps import next_tokens

    token, model = recording.tokens[index], recording.model
    if not model.capabilities.logits:
        return None, markup.note(f"This model expects no words: {model.capabilities.logits.reason}."), NO_STAGES
    row = index if model.anatomy.kind == "encoder" else index - 1
    if row < 0:
        return None, markup.note("Here the text begins: nothing came before that could predict it."), NO_STAGES
    expected = next_tokens(model, recording.logits_of([row])[0], BARS, token.id)
    alternatives = [(a.token.label, a.probability) for a in expected.alternatives]
    return _explanation(token.label, expected.actual.probability, expected.actual.rank, expected.entropy, alternatives)


def pieces_view(model, ids, entries: list[dict], place: int) -> dict:
    """The choice between the tokens that a character is made of, the one at a place of the strip chosen; away where it is
    one token. ids and entries are those of the whole strip; each choice is its token's place."""
    which, count = entries[place].get("piece") or (1, 1)
    if count == 1:
        return NO_PIECES
    first = place - which + 1
    choices = [(_piece(model, ids[n], entries[n], (n - first + 1, count)), n) for n in range(first, first + count)]
    name = plain_mark(entries[place]["text"], 24)
    return gr.update(choices=choices, value=place, visible=True, label=f"“{name}” is made of {count} tokens: look at")


def _piece(model, token_id: int, entry: dict, place: tuple[int, int]) -> str:
    share = entry.get("probability")
    told = "" if share is None else f" · {percent(share)}"
    return f"{place[0]}/{place[1]} {plain_mark(model.vocabulary.text(token_id), 24)}{told}"


def explain_step(model, step, label: str) -> tuple:
    """Bar chart, sentence and stages of a token written: the stages where a rule changed the model's distribution or a
    number was drawn."""
    alternatives = [(a.token.label, a.probability) for a in step.alternatives]
    figure, words, _ = _explanation(label, step.probability, step.rank, step.entropy, alternatives)
    if step.choice is None:
        why = "You chose it." if step.by_hand else "Beam search kept it; nothing was drawn."
        return figure, words + markup.note(f"{why} {OTHERS_WORDS}"), NO_STAGES
    told = f"{drawn_words(step.choice)} Computed in {step.seconds * 1000:,.0f} ms. {OTHERS_WORDS}"
    return figure, words + markup.note(told), stages_view(model, step.choice, label)


def stages_view(model, choice, name: str) -> dict:
    """The stages picture; away where there is nothing to see: the most probable was taken and no rule applied."""
    if choice.draw is None and len(choice.stages) == 1:
        return NO_STAGES
    labels = [model.vocabulary.token(i).label for i in choice.candidates]
    title = f"How “{plain_mark(name, 24)}” was picked, rule by rule"
    return gr.update(value=stages_figure(choice, labels, title=title), visible=True)


def drawn_words(choice) -> str:
    """What the rules and the draw did, in a sentence."""
    if choice.draw is None:
        return "The most probable token was taken; nothing was drawn."
    last = choice.stages[-1]
    return (
        f"It was drawn with probability {choice.probability:.3g} from {last.kept:,} tokens that the rules left: the random "
        f"number {choice.draw.number:.4f} fell between {choice.draw.start:.4f} and {choice.draw.end:.4f}."
    )


def _explanation(label: str, probability: float, rank: int, entropy: float, alternatives: list) -> tuple:
    labels, shares = map(list, zip(*alternatives, strict=True))
    name, chosen = plain_mark(label, 24), rank - 1
    if rank > len(labels):  # not among the most probable: it gets a bar of its own below them
        labels, shares, chosen = [*labels, label], [*shares, probability], len(labels)
    figure = distribution_figure(labels, shares, chosen=chosen, title=f"Expected where “{name}” stands")
    words = (
        f"“{name}” had probability {probability:.3g} and rank {rank:,}: a surprisal of "
        f"{surprisal(probability):.2f} bits, where the distribution's entropy is {entropy:.2f} bits."
    )
    return figure, markup.note(words), NO_STAGES
