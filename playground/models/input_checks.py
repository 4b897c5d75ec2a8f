"""Checks of token ids before a model reads them, each with an error that gives both numbers and the remedy."""

from collections.abc import Sequence

from playground.errors import PlaygroundError
from playground.models.architecture import embedding_matrix
from playground.models.loaded_model import LoadedModel


def check_length(count: int, limit: int) -> None:
    """PlaygroundError with both numbers if a text has more tokens than the model reads."""
    if count > limit:
        raise PlaygroundError(
            f"The text has {count:,} tokens; with this model at most {limit:,} can be read.",
            "Shorten it, or choose a model with a longer context.",
        )


def _rows(model: LoadedModel, target: bool) -> int:
    """Rows of the matrix that an id is looked up in."""
    if target:
        try:
            return len(embedding_matrix(model.model.get_decoder()))
        except PlaygroundError:  # FSMT's decoder does not name its matrix
            table = getattr(model.model.get_decoder(), "embed_tokens", None)
            if table is not None:
                return len(table.weight)
    return len(embedding_matrix(model.model))


def check_ids(model: LoadedModel, ids: Sequence[int], target: bool = False) -> None:
    """PlaygroundError with both numbers for an id without a row in the embedding matrix.

    `target` checks the decoder's matrix. On a GPU a single such id would end the driver's work for all visitors.
    """
    rows = _rows(model, target)
    for token_id in ids:
        if not 0 <= token_id < rows:
            text = f" (“{model.vocabulary.text(token_id)}”)" if token_id > 0 else ""
            raise PlaygroundError(
                f"The text has token {token_id:,}{text}; this model's embedding matrix has {rows:,} rows, counted from 0.",
                "Leave it out: the tokenizer has it, but the model never learned it.",
            )
