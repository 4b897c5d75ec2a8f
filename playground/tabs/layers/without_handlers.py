"""The handlers of Without it, but for the map of all parts (without_map.py)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from playground import workbench
from playground.analysis.text_display import in_words
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.layers.without import changed_figure, shift_figure
from playground.figures.layers.without_words import edit_identities, hidden_words, shift_words
from playground.recording.edits.edit import Edit
from playground.recording.edits.typed import as_typed, edits_in_words, typed_edits
from playground.recording.head_choice import existing_token
from playground.recording.layers.window import logit_contributions, own_tokens
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.going_on import going_on, side_by_side
from playground.tabs.shared.controls import figure_or_nothing, token_choices
from playground.tabs.shared.long_work import WorkControl, newest_only
from playground.tabs.shared.page_context import PageContext, recording_of
from playground.tabs.shared.page_edits import PageEdits
from playground.tabs.shared.proposals import proposed
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.wiring import Outputs
from playground.tabs.shared.without_scripts import changed_script, without_script
from playground.texts import layers as texts
from playground.texts.numbers import cosine

if TYPE_CHECKING:
    from playground.recording.recording import Recording

WRITTEN = 16
"""Tokens that are written with and without a part."""
MOST_CHECKED = 1024
"""Tokens of a text whose identities are checked: that takes six passes."""


@dataclass(frozen=True)
class WithoutRequest:
    """What the view's controls say."""

    what: str = ""
    how: str = "zero"
    second: str = ""
    position: int | None = None
    token: str = ""
    against: str = ""
    reading: tuple[str, str] | None = None
    """The page's reading that the controls were set for."""
    drawn: tuple | None = None
    """What the view shows as a whole, as `basis` gives it."""
    control: WorkControl = field(default_factory=WorkControl)

    def basis(self, page: PageContext) -> tuple:
        """All that what is shown depends on."""
        edited = self.what, self.how, self.second if self.how == "text" else ""
        return page.reading, *edited, self.position, self.token, self.against

    def basis_of_map(self, page: PageContext, length: int) -> tuple:
        """All that the map of every part of a text of so many tokens depends on."""
        how = "mean" if self.how == "mean" else "zero"
        numbers = page.device, page.dtype, page.language
        return page.reading, *numbers, existing_token(self.position, length), self.token, self.against, how


def draw(page: PageContext, request: WithoutRequest) -> Iterator[Outputs]:
    """What the controls say; in another text or model its strongest head."""
    recording = page.recording(edited=False)
    if request.reading is None or tuple(request.reading) != page.reading:
        before = request
        if request.reading is not None:  # else a visitor was quicker than the first drawing
            request = replace(request, what="", token="", against="")
        what = request.what or _kept_words(page) or strongest_part(recording)
        request = replace(request, what=what, position=None)
        names = "what", "token", "against"
        fields = proposed(*((getattr(before, name), getattr(request, name)) for name in names))
        yield {"fields": fields, "effects": figure_or_nothing(None), "status": ""}
    yield from take_out(page, request)


def _kept_words(page: PageContext) -> str:
    """The edit that the page keeps, as it was typed; "" for none."""
    edits = page.edits_on(page.text)
    heads_and_mlps = [
        edit for edit in edits if edit.part in ("head", "mlp") and edit.positions is None and not edit.kind
    ]
    if not edits or len(heads_and_mlps) < len(edits):
        return ""
    return ", ".join(as_typed(edit.part, edit.layer, *edit.which[:1]) for edit in edits)


def strongest_part(recording: "Recording") -> str:
    """The head that adds most to the next token before the last layer, so that others can step in, as a visitor types it; of
    a model whose contributions are not known the first head in the middle, so that later ones may look elsewhere, else the
    last layer."""
    last = recording.depth() - 1 if recording.kinds else recording.model.anatomy.layers - 1
    try:
        result = logit_contributions(recording, workbench.shared(), recording.length - 1, None, None)
    except PlaygroundError:
        return as_typed("head", last // 2, 0) if recording.model.on_interface and recording.kinds else f"layer {last}"
    if result.heads is None:
        return as_typed("mlp", int(np.argmax(result.mlps)))
    heads = result.heads[: max(1, len(result.heads) - 1)]
    layer, head = np.unravel_index(np.nanargmax(heads), heads.shape)
    return as_typed("head", int(layer), int(head))


def show(page: PageContext, request: WithoutRequest) -> Iterator[Outputs]:
    """As `take_out`, unless it is shown: a visitor who types and presses the button leaves the field as well."""
    if request.drawn is not None and tuple(request.drawn) == request.basis(page):
        yield {}
        return
    yield from take_out(page, request)


def take_out(page: PageContext, request: WithoutRequest) -> Iterator[Outputs]:
    """See `_answers`; ends when something else is to be taken out."""
    yield from newest_only(request.control, _answers(page, request))


def _answers(page: PageContext, request: WithoutRequest) -> Iterator[Outputs]:
    """The distribution and the attention with and without the parts, then what must hold, then the text that each
    goes on to write."""
    from playground.recording.edits.compare import changed_attention
    from playground.recording.edits.identities import identities_of

    recording, store = page.recording(edited=False), workbench.shared()
    labels = [token.label for token in own_tokens(recording)]
    position = existing_token(request.position, len(labels))
    in_place = texts.IN_PLACE_OF if recording.model.anatomy.kind == "encoder" else texts.AFTER
    common: Outputs = {"position": token_choices(labels, position) | {"label": in_place}, "reading": page.reading}
    common["drawn"] = None
    if request.control.about != request.basis_of_map(page, recording.length):
        request.control.about = None
    if request.control.about is None:
        common |= {"effects": figure_or_nothing(None), "status": ""}
    try:
        edits = _edits(page, request)
        edited = recording_of(recording.model, page.text, page.language_of(recording.model), edits)
        table = store.memo(
            edited, ("changed attention", position), lambda: changed_attention(recording, edited, position)
        )
        picture = changed_figure(table) if table is not None and np.nanmax(table) > 0 else None
        outputs = common | {"changed": figure_or_nothing(picture), "badge": "", "written": ""}
        if picture is not None:
            outputs[script_output("changed")] = changed_script(page, recording, edits, position)
        if "status" in common and picture is None and table is not None:
            outputs["status"] = markup.note(texts.NO_HEAD_MOVED)
        outputs |= _distribution(page, recording, edited, replace(request, position=position))
    except PlaygroundError as error:
        nothing = dict.fromkeys(("figure", "changed"), figure_or_nothing(None))
        reason = {"sentence": markup.note(str(error)), "badge": "", "written": ""}
        yield common | nothing | reason | {"drawn": replace(request, position=position).basis(page)}
        return
    yield outputs
    if len(recording.tokens) > MOST_CHECKED:
        words = texts.NOT_CHECKED.format(count=len(recording.tokens), most=MOST_CHECKED)
        badge: Outputs = {"badge": markup.badge("off", words, texts.WHY_NOT_CHECKED)}
    else:
        key = "identities of edits", edits, position
        identities = store.memo(recording, key, lambda: identities_of(recording, edited, position))
        badge = {"badge": markup.badge(*edit_identities(identities))}
    yield badge
    written: Outputs = {}
    for words in _written(page, recording, edits, request.control):
        written = {"written": words}
        yield written
    drawn = None if request.control.stop else replace(request, position=position).basis(page)
    whole = outputs | badge | written | {"drawn": drawn}  # of quick answers the page may lose one
    if request.control.about is not None:  # a map of every part, begun meanwhile
        whole = {name: value for name, value in whole.items() if name not in ("effects", "status")}
    yield whole


def _edits(page: PageContext, request: WithoutRequest) -> tuple[Edit, ...]:
    ids: tuple[int, ...] = ()
    if request.how == "text":
        if not (request.second or "").strip():
            raise PlaygroundError("There is no second text whose values could be used.", "Type one below.")
        from playground.models.vocabulary import check_text

        text = check_text(request.second, workbench.shared().settings.max_text_bytes)
        ids = tuple(page.model().vocabulary.tokenize(text)[0])
    return typed_edits(request.what or "", request.how, ids)


def _distribution(page: PageContext, recording: "Recording", edited: "Recording", request: WithoutRequest) -> Outputs:
    from playground.models.one_token import typed_token
    from playground.recording.edits.compare import arrows_of_no_weight, compare, last_cosine

    what, position = edits_in_words(edited.edits), request.position
    assert position is not None
    if not recording.model.capabilities.logits:
        turned = texts.STATE_TURNED.format(
            token=in_words(own_tokens(recording)[position].label),
            cosine=cosine(last_cosine(recording, edited, position)),
        )
        words = f"{what}. {turned} {texts.NO_WRITING.format(reason=recording.model.capabilities.logits.reason)}"
        return {"figure": figure_or_nothing(None), "sentence": markup.note(words, terms=True)}
    typed = [typed_token(recording.model, words) for words in (request.token, request.against)]
    token = int(recording.logits_of([position])[0].argmax()) if typed[0] is None else typed[0]
    if token == typed[1]:
        raise PlaygroundError(
            "Both tokens are the same, so their logits don't differ.", "Choose two, or leave one empty."
        )
    result = compare(recording, edited, position, token, typed[1], workbench.shared())
    named = {number: recording.model.vocabulary.text(number) for number in result.shift.ids}
    hidden = hidden_words(arrows_of_no_weight(recording, edited.edits))
    place = position, [number for number in (token, typed[1]) if number is not None]
    return {
        script_output("figure"): without_script(page, recording, edited.edits, place),
        "figure": figure_or_nothing(shift_figure(result.shift, [named[number] for number in result.shift.ids])),
        "sentence": markup.note(f"{shift_words(what, result, named, token, typed[1])} {hidden}".strip()),
    }


def _written(page: PageContext, recording: "Recording", edits: tuple[Edit, ...], control: WorkControl) -> Iterator[str]:
    """What the model goes on to write without the parts, beside what the whole model writes, while it is being written."""
    model, bench = recording.model, workbench.shared()
    if not model.capabilities.generate:
        if model.capabilities.logits:
            yield markup.note(texts.NO_WRITING.format(reason=model.capabilities.generate.reason))
        return
    from playground.generation.settings import GenerationSettings

    settings = GenerationSettings(max_new_tokens=WRITTEN, greedy=True, target_language=page.language_of(model))

    def write_whole() -> str:
        ids = [token.id for token in recording.tokens]
        return "".join(step.text for step in bench.generation.generate(model, ids, settings))

    try:
        whole_text = bench.memo(recording, ("goes on", settings), write_whole)
    except PlaygroundError as error:  # the text fills the context: what changes after it is shown all the same
        yield markup.note(str(error))
        return
    for text in going_on(recording, settings, edits, control, every=4):
        yield side_by_side([(texts.WRITES[False], whole_text or texts.WROTE_NOTHING), (texts.WRITES[True], text)])


def choose_changed(page: PageContext, request: WithoutRequest, event: gr.EventData) -> Iterator[Outputs]:
    """The head that was clicked in the map of changed attention is taken out as well."""
    head, layer = whole(event, "x"), whole(event, "y")
    if min(head, layer) < 0:
        yield {}
        return
    name = as_typed("head", layer, head)
    named = [item.strip() for item in (request.what or "").split(",") if item.strip()]
    yield from chosen(page, request, ", ".join([*named, *([] if name in named else [name])]))


def chosen(page: PageContext, request: WithoutRequest, what: str) -> Iterator[Outputs]:
    """Takes out what was clicked, and writes it into the field."""
    for outputs in take_out(page, replace(request, what=what)):
        yield outputs | {"what": what}


def keep(page: PageContext, request: WithoutRequest) -> Outputs:
    """Keeps the parts out while all tabs look."""
    model = page.model()
    try:
        edits = _edits(page, request)
        recording_of(model, page.text, page.language_of(model), edits)  # refuses what the model does not have
    except PlaygroundError as error:  # where the field, left for the button, says so as well
        return {"sentence": markup.note(str(error))}
    return {"edited": PageEdits(page.model_id, page.text, edits_in_words(edits), edits)}
