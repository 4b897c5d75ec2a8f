"""Generate: the model goes on from the text, token by token, with why it chose each; chats, scores, fills, translates.

tab.py builds and connects it; controls.py holds the rules of sampling; written.py what a visitor has before him;
strip.py and why.py show it; writing.py, branches.py, chat.py, score.py and fill.py answer what the visitor does.
"""

from playground.tabs.generate.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
