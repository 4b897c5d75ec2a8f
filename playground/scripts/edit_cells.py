"""Cells of a script that edit a model while it reads: by hooks of its modules, and round the function that computes its
attention. edits.py puts them together."""

ZERO, MEAN, TEXT, ADD = "zero", "mean", "text", "add"
WAYS = {
    ZERO: """

def by_zero(part, edit, number):
    return torch.zeros_like(part)
""",
    MEAN: '''

def by_mean(part, edit, number):
    """Of the text's other tokens; the first one, whose numbers are often a hundred times as large, is in no mean."""
    count = edit.get("first", part.shape[1])  # tokens of the text before something was written after it
    text, written = part[:, :count].float(), part.shape[1] - count
    total = text[:, 1:].sum(1, keepdim=True)
    means = (total - text) / (count - 2) if count > 2 else text[:, :1].expand_as(text).clone()
    means[:, :1] = total / (count - 1)
    return torch.cat([means, total.expand(-1, max(0, written), -1, -1) / (count - 1)], 1)
''',
    TEXT: '''

def by_text(part, edit, number):
    """Of a second text, both aligned at their ends or token by token; what has no partner there stays."""
    count, values = edit.get("first", part.shape[1]), part.clone()
    places = edit.get("tokens", range(count))
    partners = edit.get("partners", [place + len(second_values[number]) - count for place in places])
    for place, partner in zip(places, partners):
        if 0 <= place < min(count, part.shape[1]) and 0 <= partner < len(second_values[number]):
            values[:, place] = second_values[number][partner]
    return values
''',
    ADD: '''

def by_add(part, edit, number):
    """A direction more, in lengths of each token's own state."""
    direction = torch.tensor(edit["direction"]).double()
    return part + edit["length"] * part.norm(dim=-1, keepdim=True) * (direction / direction.norm()).to(part)
''',
}
"""What takes the place of numbers -> how it is computed."""
BEGIN = '''
# %%
# WORDS_HERE
edits_made, second_text, second_values = set(range(len(EDITS))), [None], {}  # a second text is read before, without edits
pass_texts, pass_attentions, pass_runs = [0], [0], [0] * len(EDITS)  # 0 texts: no pass; runs of each edit's module so far


def make_edits(numbers):
    """Which of the edits the next passes make."""
    edits_made.clear()
    edits_made.update(numbers)


def begin_pass(module, arguments, options):
    pass_texts[0] = next(len(value) for value in (*arguments, *options.values()) if isinstance(value, torch.Tensor))
    pass_attentions[0], pass_runs[:] = 0, [0] * len(EDITS)


def end_pass(module, arguments, output):
    pass_texts[0] = 0


model.register_forward_pre_hook(begin_pass, with_kwargs=True)
model.register_forward_hook(end_pass)
'''
REPLACED = '''

def edited_table(table, number):
    """(texts, tokens, heads or neurons, numbers of each), changed by an edit."""
    edit = EDITS[number]
    which = edit.get("which", slice(None))
    part = table[:, :, which]
    if second_text[0] is not None:
        if edit.get("text") == second_text[0]:
            second_values[number] = part[0].clone()
        return table
    if number not in edits_made:
        return table
    first = int(edit["how"] == "add")  # the first token, whose state is much longer, is spared
    chosen = torch.zeros(part.shape[1], dtype=torch.bool)
    chosen[[place for place in edit.get("tokens", range(first, len(chosen))) if place < len(chosen)]] = True
    others, strength = HOW[edit["how"]](part, edit, number).to(part), edit.get("strength", 1)
    others = others if strength == 1 else part + strength * (others - part)
    result = table.clone()
    result[:, :, which] = torch.where(chosen[:, None, None], others, part)
    return result
'''
CHANGED = '''

def edited_values(values, number):
    """What a module reads or returns, changed by an edit; not where several layers have the module, and another one runs."""
    edit, run, width = EDITS[number], pass_runs[number], values.shape[-1]
    pass_runs[number] += 1
    if not pass_texts[0] or edit.get("run", run) != run:
        return values
    parts = (width, 1) if "which" in edit else (1, width)  # neurons, or the whole
    return edited_table(values.reshape(pass_texts[0], -1, *parts), number).reshape(values.shape)
'''
READS, GIVES, ADDS, CALL = "reads", "gives", "adds", "call"
OF_MODULES = {
    READS: '''

def edit_input(number):
    """Changes what a module reads."""

    def change(module, arguments, options):
        if arguments:
            return (edited_values(arguments[0], number), *arguments[1:]), options
        return arguments, options | {"hidden_states": edited_values(options["hidden_states"], number)}

    return change


for number, edit in enumerate(EDITS):
    if "reads" in edit:
        model.get_submodule(edit["reads"]).register_forward_pre_hook(edit_input(number), with_kwargs=True)
''',
    GIVES: '''

def edit_output(number):
    """Changes what a module returns."""

    def change(module, arguments, output):
        if isinstance(output, tuple):
            return (edited_values(output[0], number), *output[1:])
        return edited_values(output, number)

    return change


for number, edit in enumerate(EDITS):
    if "gives" in edit:
        model.get_submodule(edit["gives"]).register_forward_hook(edit_output(number))
''',
    ADDS: '''

def edit_difference(number):
    """Changes the difference between what a layer returns and what it reads."""

    def change(module, arguments, options, output):
        before = arguments[0] if arguments else options["hidden_states"]
        after = output[0] if isinstance(output, tuple) else output
        value = before + edited_values(after - before, number)
        return (value, *output[1:]) if isinstance(output, tuple) else value

    return change


for number, edit in enumerate(EDITS):
    if "adds" in edit:
        model.get_submodule(edit["adds"]).register_forward_hook(edit_difference(number), with_kwargs=True)
''',
}
"""Where a module is edited -> how. An edit has the module's path by this name."""
IN_ATTENTION = '''

def arrows_out(heads, queries, keys):
    """(1, heads, queries, keys): the arrows that this attention loses; those of all tokens but to themselves."""
    off = torch.zeros(1, heads, queries, keys, dtype=torch.bool)
    for number in () if second_text[0] is not None else edits_made:
        edit = EDITS[number]
        if edit.get("call") != pass_attentions[0] or "keys" not in edit:
            continue
        for row in edit.get("tokens", range(queries)):
            unseen = [key for key in edit["keys"] if key < keys and ("tokens" in edit or key != row)]
            for head in edit.get("which", range(heads)) if row < queries else ():
                off[0, head, row, unseen] = True
    return off


def edited_attention(attend):
    """An attention function that hides arrows, and replaces what heads give."""

    def around(module, query, key, value, mask, **options):
        off = arrows_out(*query.shape[1:3], key.shape[2])
        if off.any():
            mask = torch.zeros_like(off, dtype=query.dtype) if mask is None else mask
            mask = mask.masked_fill(off, torch.finfo(mask.dtype).min)
        output, weights = attend(module, query, key, value, mask, **options)  # (texts, tokens, heads, numbers)
        for number, edit in enumerate(EDITS):
            if edit.get("call") == pass_attentions[0] and "keys" not in edit:
                output = edited_table(output, number)
        pass_attentions[0] += 1
        return output, weights

    return around


def own_attention(module, *call, **options):
    return sys.modules[type(module).__module__].eager_attention_forward(module, *call, **options)


AttentionInterface.register("edited", edited_attention(own_attention))
AttentionMaskInterface.register("edited", eager_mask)
model.set_attn_implementation("edited")
'''
READ_SECOND = """
for words in {tuple(edit["text"]): edit["text"] for edit in EDITS if "text" in edit}.values():
    second_text[0] = words
    with torch.no_grad():
        model(torch.tensor([words])MORE_HERE)
second_text[0] = None
"""
"""Reads the second texts, and keeps what stands at the edits' places."""
ATTENTION_IMPORTS = """import sys
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask"""
WATCHED = 'register("watched", watched)'
"""How a script registers a function of its own that watches attention; edits come round it."""
WATCHED_EDITED = 'register("watched", edited_attention(watched))'
