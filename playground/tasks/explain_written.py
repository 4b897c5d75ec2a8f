"""Which token of what a model writes is explained: of a translation, a summary, an answer, a mask, or the next one."""

from dataclasses import dataclass

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.tasks.explain import explained_next_token
from playground.tasks.summarise import summarise
from playground.tasks.token_scores import TokenScore
from playground.tasks.translate import translate
from playground.tasks.writing import Runs
from playground.tasks.written_answer import answer_by_chat
from playground.tasks.written_scores import (
    WrittenText,
    likely_others,
    mask_score,
    text_of_answer,
    text_of_part,
    written_score,
)

TRANSLATE, SUMMARISE, ANSWER, FILL, NEXT = "translate", "summarise", "answer", "fill", "next"
TASKS = TRANSLATE, SUMMARISE, ANSWER, FILL, NEXT


@dataclass(frozen=True)
class Written:
    """What is written, and which token of it is explained."""

    task: str = ""
    """One of `TASKS`; empty: see `usual_task`."""
    token: int = 0
    """Number of the token in what is written for the first window, or of the mask."""
    against: str = ""
    """The text of the token that it is compared with; empty: the runner-up."""
    question: str = ""
    target: str = ""
    source: str = ""
    ask: str | None = None
    """target, source, ask: see `translate` and `summarise`."""


def usual_task(model: LoadedModel, question: str = "") -> str:
    """What a model without a head is asked to do where nobody says."""
    if model.anatomy.kind == "encoder-decoder":
        return TRANSLATE
    if model.anatomy.kind == "encoder":
        return FILL
    return ANSWER if question else NEXT


def explained_written(model: LoadedModel, text: str, written: Written, runs: Runs | None = None) -> TokenScore:
    """The score of the token, beside another one. PlaygroundError for an unknown task, for a model that does not do it, for
    a token that was not written, and for an `against` that is no single token."""
    task, runs = written.task or usual_task(model, written.question), runs or Runs()
    if task not in TASKS:
        raise PlaygroundError(f"There is no task {task!r:.40}.", f"Choose one of: {', '.join(TASKS)}.")
    against = _token_of(model, written.against) if written.against else None
    if task == NEXT:
        return explained_next_token(model, text, against)
    if task == FILL:
        return mask_score(model, text, written.token, against=against)
    made = _written(model, text, task, written, runs)
    score = written_score(model, made, written.token)  # refuses a place where nothing was written
    others = likely_others(made.steps[written.token])
    if against is None and others:
        against = others[0].token.id
    return score if against is None else written_score(model, made, written.token, against)


def _written(model: LoadedModel, text: str, task: str, written: Written, runs: Runs) -> WrittenText:
    if task == ANSWER:
        answer = answer_by_chat(model, written.question, text, lambda ids, how: runs.write(model, ids, how), runs.tick)
        return text_of_answer(model, answer, written.question, text)
    if task == SUMMARISE:
        language = model.languages.target if model.languages else ""
        return text_of_part(model, summarise(model, text, written.ask, runs).parts[0], language)
    translation = translate(model, text, written.target, written.source, written.ask, runs)
    return text_of_part(model, translation.parts[0], translation.asking.target_language)


def _token_of(model: LoadedModel, words: str) -> int:
    """The id of the one token that spells these words, a space before them or not."""
    for spelled in (words, f" {words}"):
        ids = model.tokenizer(spelled, add_special_tokens=False, verbose=False)["input_ids"]
        own = [number for number in ids if model.vocabulary.text(number).strip()]
        if len(own) == 1 and model.vocabulary.text(own[0]).strip() == words.strip():
            return int(own[0])
    raise PlaygroundError(f"“{words:.40}” is not one token of {model.model_id}.", "Name one of its tokens.")
