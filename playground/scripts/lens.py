"""Scripts of the lens: every state read as logits, as a map of some tokens, one cell of it, and ranks over the states."""

from dataclasses import dataclass

from playground.scripts.layer_states import Stages, lens_script
from playground.scripts.paths import Readout
from playground.scripts.script import Reading, Recipe, Script

_MAP = """
window = slice(FIRST, FIRST + COUNT)  # tokens of the text
LAST_HEREshades, guesses = [], []
for state in states:
    logits = lens(state[window])
    guesses.append(logits.argmax(-1).tolist())
    SHADED_HERE
numbers = torch.stack(shades)  # (states, tokens): MEANING_HERE

# %%
read = TOKENS[window]
words = [named(row) for row in guesses]
figure = go.Figure(go.Heatmap(z=numbers, text=words, texttemplate="%{text}", zmin=0, ENDS_HERE))
figure.update_xaxes(tickvals=list(range(len(read))), ticktext=named(read))
figure.update_yaxes(title_text="after layer", tickvals=list(range(len(names))), ticktext=names)
"""
PROBABILITY, ENTROPY, DIVERGENCE, RANK = "probability", "entropy", "divergence", "rank"
_OF_WHOLE = "logs = logits.double().clamp_min(-1e38).log_softmax(-1)  # 0 · log 0 counts as 0\n    "
_IN_BITS = ".sum(-1) / torch.tensor(2.0).log())"
_SHADES = {
    PROBABILITY: ("shades.append(logits.softmax(-1).max(-1).values)", "how probable the first guess is"),
    ENTROPY: (f"{_OF_WHOLE}shades.append(-(logs.exp() * logs){_IN_BITS}", "entropy in bits"),
    DIVERGENCE: (
        f"{_OF_WHOLE}shades.append((last.exp() * (last - logs)){_IN_BITS}",
        "how many bits the last state's distribution is away",
    ),
    RANK: (
        "own = logits[:, FOLLOWED, None]\n    ranks = 1 + (logits > own).sum(-1) + "
        "(logits[:, :FOLLOWED] == own).sum(-1)\n    shades.append(ranks.log10())",
        "log10 of the rank of FOLLOWED",
    ),
}
"""How cells are shaded -> the line that does it, and what it gives."""
_LAST = "last = lens(states[-1][window]).double().clamp_min(-1e38).log_softmax(-1)\n"
_CELL = """
probabilities = lens(states[STATE][TOKEN]).softmax(-1)
best = probabilities.topk(COUNT)
numbers = best.values
for probability, number in zip(numbers.tolist(), best.indices.tolist()):
    print(f"{probability:.6f}  {tokenizer.decode([number])!r}")

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(COUNT)), orientation="h"))
figure.update_yaxes(tickvals=list(range(COUNT)), ticktext=named(best.indices.tolist()), autorange="reversed")
figure.update_xaxes(title_text="probability")
"""
_RANKS = """
rows = torch.stack([lens(state[TOKEN]) for state in states])  # (states, vocabulary)
ranks = []
for number in FOLLOWED:
    own = rows[:, number, None]
    ranks.append(1 + (rows > own).sum(-1) + (rows[:, :number] == own).sum(-1))
numbers = torch.stack(ranks, 1)  # (states, followed tokens), 1 for the most probable

# %%
figure = go.Figure()
for word, row in zip(named(FOLLOWED), numbers.T.tolist()):
    figure.add_scatter(y=row, name=word, mode="lines")
figure.update_yaxes(title_text="rank", type="log", autorange="reversed")
figure.update_xaxes(title_text="after layer", tickvals=list(range(len(names))), ticktext=names)
"""


@dataclass(frozen=True)
class Shading:
    """How the cells of a map are shaded."""

    by: str = PROBABILITY
    """Or ENTROPY, DIVERGENCE, RANK."""
    followed: int = 0
    """The id of the token whose rank it is."""


def lens_map(
    reading: Reading, readout: Readout | None, window: tuple[int, int], shading: Shading, stages: Stages = ()
) -> Script:
    """The first guess of each state of some tokens. window: the first token, and how many. stages: as for `lens_script`."""
    shaded, meaning = _SHADES[shading.by]
    body = _MAP.replace("LAST_HERE", _LAST if shading.by == DIVERGENCE else "").replace("SHADED_HERE", shaded)
    ends = {PROBABILITY: 'zmax=1, colorscale="Blues"', RANK: 'colorscale="Blues_r"'}.get(
        shading.by, 'colorscale="Blues"'
    )
    body = body.replace("MEANING_HERE", meaning).replace("ENDS_HERE", ends)
    values: dict[str, object] = {"FIRST": window[0], "COUNT": window[1]}
    values |= {"FOLLOWED": shading.followed} if shading.by == RANK else {}
    return lens_script(reading, readout, Recipe("Lens", body, values), stages)


def lens_cell(
    reading: Reading, readout: Readout | None, place: tuple[int, int], count: int, stages: Stages = ()
) -> Script:
    """The best guesses of one state of one token; place: state (0 for the embedding) and token."""
    values: dict[str, object] = {"STATE": place[0], "TOKEN": place[1], "COUNT": count}
    return lens_script(reading, readout, Recipe("The best guesses of one state", _CELL, values), stages)


def lens_ranks(
    reading: Reading, readout: Readout | None, token: int, followed: tuple[int, ...], stages: Stages = ()
) -> Script:
    """The rank of some tokens, by their ids, at every state of the token at a place."""
    values: dict[str, object] = {"TOKEN": token, "FOLLOWED": list(followed)}
    return lens_script(reading, readout, Recipe("Ranks over the layers", _RANKS, values), stages)
