"""Generate: the model goes on from the text, token by token, and the page shows why it chose each; chats, scores, fills,
translates.

tab.py connects the components of layout.py and controls.py to the handlers: prompt_view.py (a text before anything is
written), streaming.py, branches.py and chat.py (writing), score.py and fill.py (other modes), token_clicks.py.
session_view.py and token_explanation.py show a visitor's session, which generation/session.py defines.
"""

from playground.tabs.generate.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
