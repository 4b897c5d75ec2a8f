"""How sentences become vectors, for scripts: the states of their tokens, pooled, and what a model was trained to do behind
that, by the weights in its own files."""

from dataclasses import dataclass

from playground.scripts.point_sources import Source

CLS, MAX, MEAN, SQRT, WEIGHTED, LAST = "cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"
POOLINGS = {
    CLS: "kept[0]",
    MAX: "kept.max(0).values",
    MEAN: "kept.mean(0)",
    SQRT: "kept.sum(0) / len(kept) ** 0.5",
    WEIGHTED: "(kept * later).sum(0) / later.sum()",
    LAST: "kept[-1]",
}
"""How a sentence is made of its tokens' states, by the names of sentence-transformers."""
_LATER = """    later = torch.arange(len(states) - len(kept) + 1, len(states) + 1)[:, None]  # later tokens weigh more
"""
_VECTOR_OF = '''
# %%
network = model.get_encoder() if model.config.is_encoder_decoder else model.base_model


def vector_of(text, skipped):
    """Of a sentence with what is put before it. skipped: tokens of that, where they are not pooled."""
    ids = tokenizer(TEXT_HERE, truncation=True, max_length=LIMIT)["input_ids"]
    with torch.inference_mode():
        states = network(torch.tensor([ids]), STATES_HERE[0].float()  # (tokens, width)
    kept = states[min(skipped, len(states) - 1) :]
LATER_HEREFINISH_HERE

def placed(lines, before="", skipped=0):
    """The vectors of sentences, and their names."""
    return torch.stack([vector_of(before + line, skipped) for line in lines]), list(map(escape, lines))


'''
_OUTPUTS = {True: "return_dict=True).last_hidden_state", False: "output_hidden_states=True).hidden_states[LAYER]"}
"""Whether the states are the last ones -> what follows the ids."""
_WEIGHTS = '''
# %%
@cache
def weights_of(folder):
    """The weights of a module of the model, from its own folder among the model's files."""
    file = cached_file(MODEL, f"{folder}/model.safetensors", revision=REVISION)
    return {name: tensor.float() for name, tensor in load_file(file).items()}

'''
_WEIGHTS_IMPORTS = """from functools import cache

from safetensors.torch import load_file
from transformers.utils import cached_file"""
DENSE, LAYER_NORM, NORMALIZE, BEGINNING = "dense", "layer_norm", "normalize", "beginning"
_STEPS = {
    DENSE: """
def dense(vector, folder, activation, residual):
    own = weights_of(folder)
    result = torch.nn.functional.linear(vector, own["linear.weight"], own.get("linear.bias"))
    result = getattr(torch.nn, activation)()(result)
    if not residual:
        return result
    return result + (own["residual.weight"] @ vector if "residual.weight" in own else vector)

""",
    LAYER_NORM: """
def layer_norm(vector, folder):
    own = weights_of(folder)
    return torch.nn.functional.layer_norm(vector, vector.shape, own["norm.weight"], own["norm.bias"])

""",
    NORMALIZE: """
def normalize(vector):
    return torch.nn.functional.normalize(vector, dim=0)

""",
    BEGINNING: """
def beginning(vector, count):
    return vector[:count]

""",
}
"""What may follow the pooling -> how it is computed."""
_FINISHED = """    for step, *about in STEPS:  # what the model was trained to do behind the pooling
        vector = step_named[step](vector, *about)
    return vector
"""
Step = tuple[object, ...]
"""A key of the steps above, and its arguments: the folder of its weights, the activation's name in torch.nn and whether its
input is added; or how many numbers are kept."""
Prompt = tuple[str, int]
"""What is put before each sentence, and how many tokens of it are not pooled."""
NO_PROMPT = ("", 0)


@dataclass(frozen=True)
class Pooled:
    """How sentences become vectors."""

    poolings: tuple[str, ...]
    """Keys of POOLINGS; of several the vectors are joined."""
    limit: int
    """Tokens of a sentence that are read."""
    layer: int | None = None
    """After which the states are taken, 0 the embedding; None: the last ones, and the steps follow."""
    lower_case: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def cells(self) -> str:
        """They define `placed`, which makes vectors of sentences."""
        pooled = [POOLINGS[pooling] for pooling in self.poolings]
        vector = pooled[0] if len(pooled) == 1 else f"torch.cat([{', '.join(pooled)}])"
        steps = () if self.layer is not None else self.steps
        places = {
            "TEXT_HERE": "text.lower()" if self.lower_case else "text",
            "STATES_HERE": _OUTPUTS[self.layer is None],
            "LATER_HERE": _LATER if WEIGHTED in self.poolings else "",
            "FINISH_HERE": f"    vector = {vector}\n{_FINISHED}" if steps else f"    return {vector}\n",
        }
        cells = _VECTOR_OF
        for mark, code in places.items():
            cells = cells.replace(mark, code)
        kinds = list(dict.fromkeys(str(kind) for kind, *_ in steps))
        if kinds:
            names = ", ".join(f'"{kind}": {kind}' for kind in kinds)
            before = (_WEIGHTS if self.reads_weights else "\n# %%") + "".join(_STEPS[kind] for kind in kinds)
            cells = f"{before}\nstep_named = {{{names}}}\n{cells}"
        return cells

    @property
    def reads_weights(self) -> bool:
        """Whether some step has weights of its own."""
        return self.layer is None and any(kind in (DENSE, LAYER_NORM) for kind, *_ in self.steps)

    @property
    def values(self) -> dict[str, object]:
        """The constants of the cells."""
        values: dict[str, object] = {"LIMIT": self.limit}
        if self.layer is not None:
            return values | {"LAYER": self.layer}
        return values | ({"STEPS": [list(step) for step in self.steps]} if self.steps else {})


def sentences(lines: list[str], pooled: Pooled, prompt: Prompt = NO_PROMPT) -> Source:
    """Sentences."""
    values = pooled.values | {"LINES": lines} | ({} if prompt == NO_PROMPT else {"PROMPT": list(prompt)})
    call = "vectors, names = placed(LINES)\n" if prompt == NO_PROMPT else "vectors, names = placed(LINES, *PROMPT)\n"
    return Source(pooled.cells + call, values, _WEIGHTS_IMPORTS if pooled.reads_weights else "")


def after_query(lines: list[str], pooled: Pooled, prompts: tuple[Prompt, Prompt]) -> Source:
    """A query, and the sentences after it. lines: with the query as the first one. prompts: of the query, of the others."""
    if prompts[0] == prompts[1]:
        return sentences(lines, pooled, prompts[0])
    values = pooled.values | {"LINES": lines, "OF_QUERY": list(prompts[0]), "PROMPT": list(prompts[1])}
    calls = """query, names = placed(LINES[:1], *OF_QUERY)
vectors, others = placed(LINES[1:], *PROMPT)
vectors, names = torch.cat([query, vectors]), names + others
"""
    return Source(pooled.cells + calls, values, _WEIGHTS_IMPORTS if pooled.reads_weights else "")


def with_sentences(source: Source, added: list[str]) -> Source:
    """Sentences to which others were added."""
    prompt = ", *PROMPT" if "PROMPT" in source.values else ""
    call = f"added, added_names = placed(ADDED{prompt})  # what was added to the picture\n"
    return source.more(call, {"ADDED": added}, adds=True)
