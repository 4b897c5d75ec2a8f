"""Scripts that compute the numbers of Classify, Answer and Tag with transformers alone, for a visitor to run: what the page
shows is what they print.

A visitor's texts stand in them as Python literals, which can't run.
"""

from collections.abc import Sequence
from string import Template

from playground.models.loaded_model import LoadedModel
from playground.models.task_head import REGRESSION, SOFTMAX
from playground.recording.script_reading import checkpoint_of
from playground.scripts.script import Script, with_picture
from playground.tasks.classification import Classification
from playground.tasks.label_words import checked_labels, checked_template
from playground.tasks.windows import OVERLAP
from playground.texts import scripts as texts

_HEAD = """\
import torch
from transformers import $auto, AutoTokenizer

MODEL = $model$note
REVISION = $revision
$values
tokenizer = AutoTokenizer.from_pretrained(MODEL, revision=REVISION)
model = $auto.from_pretrained(MODEL, revision=REVISION, dtype=torch.$dtype).eval()

"""
_CLASSIFY = """\
windows = tokenizer(
    TEXT, truncation=True, max_length=$limit, stride=$stride, return_overflowing_tokens=True
)["input_ids"]
with torch.inference_mode():
    logits = torch.stack([model(torch.tensor([ids])).logits[0].float() for ids in windows]).mean(0)
values = $function
for number in logits.argsort(descending=True).tolist():
    print(f"{values[number]:.8f}  {model.config.id2label[number]}")
"""
_WORDS = """\
def log_probabilities(text):
    \"\"\"ln P of each label's words after the text in the template.\"\"\"
    before = TEMPLATE.removesuffix("{label}").replace("{text}", text)
    prompt = tokenizer(before.rstrip())["input_ids"]
    whole = [tokenizer(before + label)["input_ids"] for label in LABELS]
    same = min(common(prompt, ids) for ids in whole)  # tokens in which no label has begun
    values = []
    for ids in whole:
        with torch.inference_mode():
            rows = model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        values.append(sum(rows[place - 1, ids[place]] for place in range(same, len(ids))))
    return torch.stack(values)


def common(prompt, ids):
    \"\"\"How many tokens at the beginning are the same; one is left for the label.\"\"\"
    count = 0
    while count < min(len(prompt), len(ids) - 1) and prompt[count] == ids[count]:
        count += 1
    return count


logits = log_probabilities(TEXT) - log_probabilities("")  # contextual calibration
values = logits.softmax(-1)
for number in logits.argsort(descending=True).tolist():
    print(f"{values[number]:.8f}  {LABELS[number]}")
"""
_ANSWER = """\
question = len(tokenizer(QUESTION, add_special_tokens=False)["input_ids"])
specials = len(tokenizer("", "")["input_ids"])
windows = tokenizer(
    QUESTION, PASSAGE, truncation="only_second", max_length=$limit, return_overflowing_tokens=True,
    stride=min($overlap, ($limit - specials - question) // 2), return_offsets_mapping=True,
)
starts, ends, segments = [], [], []
for number, ids in enumerate(windows["input_ids"]):
    inputs = {"input_ids": torch.tensor([ids])}
    if "token_type_ids" in windows:
        inputs["token_type_ids"] = torch.tensor([windows["token_type_ids"][number]])
    with torch.inference_mode():
        outputs = model(**inputs)
    segment = windows.sequence_ids(number)
    no_answer = segment.index(None)  # [CLS]
    allowed = torch.tensor([part == 1 or place == no_answer for place, part in enumerate(segment)])
    starts.append(outputs.start_logits[0].double().masked_fill(~allowed, -torch.inf))
    ends.append(outputs.end_logits[0].double().masked_fill(~allowed, -torch.inf))
    segments.append(segment)
p_start = torch.cat(starts).softmax(0).split([len(row) for row in starts])  # one softmax over all windows
p_end = torch.cat(ends).softmax(0).split([len(row) for row in ends])
spans = {}
for number, segment in enumerate(segments):
    for first in range(len(segment)):
        for last in range(first, min(first + $longest, len(segment))):
            if segment[first] == segment[last] == 1:
                offsets = windows["offset_mapping"][number]
                place = offsets[first][0], offsets[last][1]
                score = float(starts[number][first] + ends[number][last])
                probability = float(p_start[number][first] * p_end[number][last])
                spans[place] = max(spans.get(place, (-torch.inf, 0.0)), (score, probability))
for (start, end), (score, probability) in sorted(spans.items(), key=lambda each: -each[1][0])[:$count]:
    print(f"{probability:.8f}  {score:.6f}  {PASSAGE[start:end]!r}")
"""
_TAG = """\
inputs = tokenizer(TEXT, return_tensors="pt", return_offsets_mapping=True)
offsets, segments = inputs.pop("offset_mapping")[0].tolist(), inputs.sequence_ids(0)
with torch.inference_mode():
    probabilities = model(**inputs).logits[0].float().softmax(-1)
spans = []  # label, probabilities, start, end; neighbours with the same label are one, B- begins a new one
for (start, end), segment, row in zip(offsets, segments, probabilities.tolist()):
    if segment is None:
        continue
    label = model.config.id2label[max(range(len(row)), key=row.__getitem__)]
    name = label[2:] if label.startswith(("B-", "I-")) else label
    if spans and spans[-1][0] == name and not label.startswith("B-"):
        spans[-1][1].append(max(row))
        spans[-1][3] = end
    else:
        spans.append([name, [max(row)], start, end])
for name, shares, start, end in spans:
    if name != "O":
        print(f"{sum(shares) / len(shares):.8f}  {name}  {TEXT[start:end]!r}")
"""


_LABELS_PICTURE = """\
order = logits.argsort(descending=True)[:$bars]
numbers = values[order]
names = [escape(NAMES_HERE) for number in order.tolist()]
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(order))), orientation="h"))
figure.update_yaxes(tickvals=list(range(len(order))), ticktext=names, autorange="reversed")
figure.update_xaxes(title_text="probability")
figure.show()
"""
_SPANS_PICTURE = """\
_, number, first, last = max(  # the best span
    (float(starts[number][first] + ends[number][last]), number, first, last)
    for number, segment in enumerate(segments)
    for first in range(len(segment))
    for last in range(first, min(first + $longest, len(segment)))
    if segment[first] == segment[last] == 1
)
ids = windows["input_ids"][number]
begin = min(max(0, (first + last) // 2 - min(len(ids), $cells) // 2), len(ids) - min(len(ids), $cells))
part = slice(begin, begin + $cells)  # the tokens round it
numbers = torch.outer(p_start[number][part], p_end[number][part])  # first token down, last token across
places = torch.arange(len(numbers))
length = places[None] - places[:, None]
numbers[(length < 0) | (length >= $longest)] = torch.nan
names = [escape(repr(tokenizer.decode([one]))) for one in ids[part]]
figure = go.Figure(go.Heatmap(z=numbers, colorscale="Blues"))
figure.update_xaxes(title_text="the answer's last token", tickvals=places, ticktext=names)
figure.update_yaxes(title_text="its first token", tickvals=places, ticktext=names, autorange="reversed")
figure.show()
"""


def labels_picture(model: LoadedModel, text: str, result: Classification, template: str, bars: int) -> Script:
    """Draws what `classify_script` computes: at most so many labels. template: of labels that are scored by words."""
    code = classify_script(model, text, result, template)
    if not code or result.function == REGRESSION:
        return Script(why=texts.TAUGHT)
    draw = Template(_LABELS_PICTURE.replace("NAMES_HERE", _name_of(result))).substitute(bars=bars)
    return with_picture("Labels", code, draw)


_KEPT = "$side = {NAMES_HERE: float(values[number]) for number in range(len(values))}\n"
_BESIDE_PICTURE = """\
ranked = [label for side in (first, second) for label in sorted(side, key=side.get, reverse=True)]
labels = list(dict.fromkeys(ranked))[:$bars]  # the first one's order
numbers = torch.tensor([[side.get(label, torch.nan) for label in labels] for side in (first, second)])
figure = go.Figure()
for name, row in zip(("first", "second"), numbers):
    figure.add_bar(x=row, y=list(range(len(labels))), orientation="h", name=name)
figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=list(map(escape, labels)), autorange="reversed")
figure.update_xaxes(title_text="probability")
figure.show()
"""


def beside_picture(sides: Sequence[tuple[LoadedModel, str, Classification, str]], bars: int) -> Script:
    """Draws two classifications beside each other: one script after the other. sides: model, text, result and template of
    each."""
    cells = []
    for name, (model, text, result, template) in zip(("first", "second"), sides, strict=True):
        code = classify_script(model, text, result, template)
        if not code or result.function == REGRESSION:
            return Script(why=texts.TAUGHT)
        cells += [code, Template(_KEPT.replace("NAMES_HERE", _name_of(result))).substitute(side=name)]
    return with_picture("Two beside each other", "\n".join(cells), Template(_BESIDE_PICTURE).substitute(bars=bars))


def _name_of(result: Classification) -> str:
    return "LABELS[number]" if result.way == "words" else "model.config.id2label[number]"


def spans_picture(model: LoadedModel, question: str, passage: str, longest: int, cells: int) -> Script:
    """Draws P(start) · P(end) of at most `cells` tokens round the best span that `answer_script` finds."""
    draw = Template(_SPANS_PICTURE).substitute(longest=longest, cells=cells)
    return with_picture("Starts and ends", answer_script(model, question, passage, longest, 1), draw)


def classify_script(model: LoadedModel, text: str, result: Classification, template: str = "") -> str:
    """Prints each label's probability. Empty for a layer that was taught here, which no checkpoint has, and for a text whose
    labels are scored by words in several windows."""
    if result.way == "taught" or (result.way == "words" and result.windows > 1):
        return ""
    if result.way == "words":
        names = checked_labels([label.name for label in result.labels])
        values = {"TEXT": text, "TEMPLATE": checked_template(template), "LABELS": list(names)}
        return _begin(model, "AutoModelForCausalLM", values) + _WORDS
    function = {SOFTMAX: "logits.softmax(-1)", REGRESSION: "logits"}.get(result.function, "logits.sigmoid()")
    specials = len(model.tokenizer("", verbose=False)["input_ids"])
    stride = min(OVERLAP, (model.max_tokens - specials) // 2)
    body = Template(_CLASSIFY).substitute(limit=model.max_tokens, stride=stride, function=function)
    return _begin(model, "AutoModelForSequenceClassification", {"TEXT": text}) + body


def answer_script(model: LoadedModel, question: str, passage: str, longest: int, count: int) -> str:
    """Prints the `count` best spans of at most `longest` tokens, of all that are allowed: probability, score, words."""
    body = Template(_ANSWER).substitute(limit=model.max_tokens, overlap=OVERLAP, longest=longest, count=count)
    return _begin(model, "AutoModelForQuestionAnswering", {"QUESTION": question, "PASSAGE": passage}) + body


def tag_script(model: LoadedModel, text: str, windows: int, strategy: str) -> str:
    """Prints the spans with their probabilities. Empty for a text in several windows, and for words of several tokens that
    are tagged as one."""
    if windows > 1 or strategy != "simple":
        return ""
    return _begin(model, "AutoModelForTokenClassification", {"TEXT": text}) + _TAG


def _begin(model: LoadedModel, auto: str, values: dict[str, str | Sequence[str]]) -> str:
    checkpoint = checkpoint_of(model)
    return Template(_HEAD).substitute(
        auto=auto, model=repr(checkpoint.name), note=f"  # {checkpoint.note}" if checkpoint.note else "",
        revision=repr(checkpoint.revision), values="\n".join(f"{name} = {value!r}" for name, value in values.items()),
        dtype=checkpoint.dtype,
    )  # fmt: skip
