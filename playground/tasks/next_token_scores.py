"""Scores of a language model as functions of the tokens' embeddings: of a next token, and of labels by their words.

    next_token_score(model, "The capital of France is", model.vocabulary.tokenize(" Paris")[0][0])

Letters: B variants of a text, T tokens, D numbers of an embedding.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.errors import PlaygroundError
from playground.models.input_checks import check_ids
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text
from playground.scripts.attribution import NEXT, WORDS, Explained
from playground.settings import Settings
from playground.tasks.label_words import TEMPLATE, checked_labels, checked_template, label_prompt, why_no_words
from playground.tasks.token_scores import (
    MAX_TOKENS,
    TokenScore,
    check_size,
    embed,
    label_number,
    last_logits,
    logit_difference,
    score_in_words,
)


def next_token_score(
    model: LoadedModel, text: str | Sequence[int], token_id: int, against: int | None = None, *, most: int = MAX_TOKENS
) -> TokenScore:
    """The logit of a token after the text, or after token ids, or of a token minus another one's. PlaygroundError for a
    model that writes no text, for no text, for one of more than `most` tokens, and for ids that its vocabulary lacks."""
    if reason := why_no_words(model):
        raise PlaygroundError(f"{model.model_id} predicts no next token: {reason}.", "Choose a language model.")
    if isinstance(text, str):
        ids, tokens = model.vocabulary.tokenize(check_text(text, Settings().max_text_bytes))
    else:
        ids, tokens = list(text), model.vocabulary.describe(text)
    if not ids:
        raise PlaygroundError("Nothing comes before this token, so nothing predicts it.", "Choose a later one.")
    check_size(len(ids), most)
    check_ids(model, ids)
    for number in (token_id, *([] if against is None else [against])):
        if not 0 <= number < model.anatomy.vocabulary:
            raise PlaygroundError(
                f"There is no token {number:,}.", f"Choose one from 0 to {model.anatomy.vocabulary - 1:,}."
            )

    def score(embeddings: Tensor) -> Tensor:
        return logit_difference(last_logits(model, embeddings, 1)[:, 0], token_id, against)

    names = [model.vocabulary.text(number) for number in (token_id, *([] if against is None else [against]))]
    free = tuple(not token.special for token in tokens)
    words = score_in_words(names[0], names[1] if names[1:] else "", "logit of ")
    return TokenScore(model, tuple(ids), tokens, free, score, words, logits=Explained(NEXT, token_id, against))


def word_label_score(
    model: LoadedModel, text: str, labels: Sequence[str], label: str, against: str, template: str = TEMPLATE
) -> TokenScore:
    """ln P of a label's words minus ln P of another's, after the text in its template; of labels of one token the difference
    of their logits. The template's own tokens stay as they are."""
    if reason := why_no_words(model):
        raise PlaygroundError(f"{model.model_id} can't score labels by words: {reason}.", "Choose a language model.")
    names, template = checked_labels(labels), checked_template(template)
    text = check_text(text, Settings().max_text_bytes)
    prompt = label_prompt(model, text, names, template)
    check_size(len(prompt.ids))
    pair = [prompt.continuations[label_number(names, name)] for name in (label, against)]
    single = all(len(words) == 1 for words in pair)

    def log_probability(embeddings: Tensor, words: tuple[int, ...]) -> Tensor:
        if words[1:]:
            further = embed(model, words[:-1])[None].expand(len(embeddings), -1, -1)
            embeddings = torch.cat([embeddings, further], 1)
        rows = last_logits(model, embeddings, len(words)).log_softmax(-1)
        return torch.stack([rows[:, place, word] for place, word in enumerate(words)]).sum(0)

    def score(embeddings: Tensor) -> Tensor:
        if single:
            return logit_difference(last_logits(model, embeddings, 1)[:, 0], pair[0][0], pair[1][0])
        return log_probability(embeddings, pair[0]) - log_probability(embeddings, pair[1])

    first, end = prompt.text_tokens
    free = tuple(first <= place < end for place in range(len(prompt.ids)))
    tokens = model.vocabulary.describe(prompt.ids)
    words = f"{score_in_words(label, against, 'ln P of ')}, before calibration"  # which adds the same whatever the text says
    logits = Explained(NEXT, pair[0][0], pair[1][0]) if single else Explained(WORDS, tuple(pair[0]), tuple(pair[1]))
    return TokenScore(model, prompt.ids, tokens, free, score, words, 1 if single else 2, logits)
