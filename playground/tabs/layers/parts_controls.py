"""Which logit the view Contributions splits: set by its own controls, and by a click in the lens."""

from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True)
class PartsControls:
    """The place and the tokens in question, as the lens hands them over."""

    from_lens: gr.State
    """(page reading, position, token id) of the last cell that was opened from the lens, or None."""

    @classmethod
    def build(cls) -> "PartsControls":
        """Builds the State where it is called."""
        return cls(gr.State(None))
