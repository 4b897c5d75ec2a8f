"""What can't be fine-tuned, or would take too much memory or time: refused with both numbers."""

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.training.finetuning.lines import Lines, read_lines
from playground.training.finetuning.recipe import FinetuneRecipe
from playground.training.recipe import MAX_SECONDS

MAX_BYTES = 1024**3
"""Of a step's states and logits."""


def checked(base: LoadedModel, recipe: FinetuneRecipe) -> tuple[FinetuneRecipe, Lines]:
    """The recipe and its lines, as they are trained with. PlaygroundError for a model, lines or choices that can't be."""
    _check_base(base)
    recipe = recipe.check()
    lines = read_lines(base, recipe.lines)
    _check_step(base, recipe.batch * lines.learned.shape[1])
    return recipe, lines


def _check_base(base: LoadedModel) -> None:
    if base.anatomy.kind != "decoder" or not base.capabilities.generate:
        raise PlaygroundError(
            "This model does not write from left to right; what is fine-tuned here is a model that does.",
            "Load a decoder, such as SmolLM2. On an encoder a classifier can be trained.",
        )
    if base.quantization_loss is not None:
        raise PlaygroundError("int8 weights have no gradient.", "Load the model in float32.")


def _check_step(base: LoadedModel, tokens: int) -> None:
    """Refuses a step whose states and logits would take too much memory."""
    anatomy = base.anatomy
    numbers = tokens * (anatomy.layers * 26 * anatomy.d_model + 4 * anatomy.vocabulary)
    if numbers * 4 > MAX_BYTES:
        raise PlaygroundError(
            f"A step would take about {numbers * 4 / 1024**2:,.0f} MB of memory; at most {MAX_BYTES // 1024**2:,} are "
            "allowed.",
            "Choose a smaller batch, shorter lines, or a smaller model.",
        )


def check_time(seconds: float, steps: int) -> None:
    """Refuses steps of so many seconds each that would take too long together."""
    if seconds * steps > MAX_SECONDS:
        raise PlaygroundError(
            f"A step takes {seconds:.1f} s of one CPU core, so {steps} steps would take {seconds * steps:,.0f} s; at most "
            f"{MAX_SECONDS:.0f} are allowed.",
            f"Choose at most {max(1, int(MAX_SECONDS / seconds))} steps, a smaller batch, or a smaller model.",
        )
