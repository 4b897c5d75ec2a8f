"""Scripts of a token's way through the layers, in one text or in two: its path on principal axes, and how alike its states
are to its first and its last."""

from collections.abc import Sequence
from dataclasses import dataclass

from playground.scripts.principal_axes import principal_axes
from playground.scripts.script import Reading, Recipe, Script, script_of

_STATES = """
# %%
def states_of(text):
    INPUTS_HERE
    with torch.inference_mode():
        outputs = model(**inputs, output_hidden_states=True)
    return torch.stack([state[0].double() for state in outputs.FIELD_HERE])  # (layers + 1, tokens, width)


"""
_PLAIN = 'inputs = {"input_ids": torch.tensor([tokenizer(text)["input_ids"]])}'
_BY_IDS = "inputs = {name: torch.tensor([row]) for name, row in text.items()}  # what the model reads of it"
_TRACKS = """tracks = [states_of(text)[:, place] for text, place in TEXTS_AND_TOKENS]  # of each text (layers + 1, width)
"""
_EACH_EDITED = """tracks = []  # of each text (layers + 1, width)
for (text, place), edited in zip(TEXTS_AND_TOKENS, EDITED):  # the edits name tokens of one of the two texts
    make_edits(range(len(EDITS)) if edited else ())
    tracks.append(states_of(text)[:, place])
"""
_LIKENESS = """

def alike(one, other):
    return torch.nn.functional.cosine_similarity(one, other, dim=-1, eps=1e-30)


lines = {}
for number, track in enumerate(tracks):
    lines[f"text {number}: to its embedding"] = alike(track, track[:1])
    lines[f"text {number}: to its last state"] = alike(track, track[-1:])
if len(tracks) == 2:
    lines["the two, at the same layer"] = alike(*tracks)
numbers = torch.stack(list(lines.values()))

# %%
figure = go.Figure()
for name, line in lines.items():
    figure.add_scatter(y=line, name=name, mode="lines")
figure.update_xaxes(title_text="after layer", tickvals=list(range(len(line))), ticktext=["in", *range(len(line) - 1)])
figure.update_yaxes(title_text="cosine")
"""
_PATHS = (
    """if DIRECTIONS:  # every state is scaled to length 1
    tracks = [track / track.norm(dim=1, keepdim=True).clamp_min(1e-12) for track in tracks]
together = torch.cat(tracks)
"""
    + principal_axes("together")
    + """# (texts, layers + 1, components)
numbers = torch.stack([(track - mean) @ axes.T for track in tracks])

# %%
kind = go.Scatter3d if COMPONENTS == 3 else go.Scatter
figure = go.Figure()
for number, path in enumerate(numbers):
    words = ["in", *range(len(path) - 1)]
    figure.add_trace(kind(**dict(zip("xyz", path.T)), mode="lines+markers+text", text=words, name=f"text {number}"))
"""
)


@dataclass(frozen=True)
class Followed:
    """The token that is followed, in one text or in two."""

    texts: Sequence[Reading]
    tokens: Sequence[int]
    """Its place in each."""
    edited: Sequence[bool] = ()
    """For which texts the model's edits hold; empty: for all."""

    def recipe(self, title: str, body: str, settings: dict[str, object]) -> Recipe:
        """What is computed of its states."""
        plain = all(text.text is not None and text.pair is None and not text.target_ids for text in self.texts)
        read = [text.text if plain else _ids(text) for text in self.texts]
        values: dict[str, object] = {"TEXTS_AND_TOKENS": list(zip(read, self.tokens, strict=True))}
        values |= {"EDITED": list(self.edited)} if self.edited else {}
        two_stacks = any(text.target_ids for text in self.texts)
        states = _STATES.replace("INPUTS_HERE", _PLAIN if plain else _BY_IDS)
        states = states.replace("FIELD_HERE", "encoder_hidden_states" if two_stacks else "hidden_states")
        states += _EACH_EDITED if self.edited else _TRACKS
        return Recipe(title, states + body, values | settings, reads_text=False)


def _ids(text: Reading) -> dict[str, list[int]]:
    """What a model reads, by the names of its arguments."""
    rows = {"input_ids": text.ids, "token_type_ids": text.segments, "decoder_input_ids": text.target_ids}
    return {name: list(row) for name, row in rows.items() if row}


def likeness(reading: Reading, followed: Followed) -> Script:
    """How alike a token's states are to its first and its last, and in two texts to each other."""
    return script_of(reading, followed.recipe("Through the layers", _LIKENESS, {}))


def paths(reading: Reading, followed: Followed, components: int, directions: bool) -> Script:
    """A token's states on the principal axes of all of them together. directions: whether they are scaled to length 1."""
    settings: dict[str, object] = {"COMPONENTS": components, "DIRECTIONS": directions}
    return script_of(reading, followed.recipe("A path through the layers", _PATHS, settings))
