"""Texts of what all tabs have in common: the sidebar, the text under the lens."""

MODEL_FROM_LIST = "From the list."
MODEL_FROM_ANYWHERE = "From the list, or type a hub id (owner/name) or a folder."
LENS_HELP = "Every tab looks at this text. Press Look, or Shift+Enter, to apply what you typed."
CANCELLED = "Loading was cancelled, unless others wait for it too. The former model, if there was one, is still there."
UNFORESEEN_REMEDY = "The rest of the page goes on; the server's log has the details."
