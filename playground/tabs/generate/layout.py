"""The components of the Generate tab, from top to bottom. Their names are those of the handlers' inputs and outputs."""

import gradio as gr
from gradio.blocks import Block

from playground import workbench
from playground.components import FollowingDropdown, FollowingRadio, Panel, PlotlyView, TokenStrip, markup
from playground.engine.functions import at_worker
from playground.generation.sessions import SessionId
from playground.tabs.generate.controls import ControlsColumn
from playground.tabs.generate.token_reasons import TokenReasons
from playground.tabs.shared.controls import choices_of_text
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.page_context import PageControls
from playground.texts import generate as texts


class Layout:
    """Builds the components where it is made."""

    def __init__(self, page: PageControls) -> None:
        self.session = gr.State(SessionId(), delete_callback=close_session)
        with gr.Row():
            with gr.Column(scale=7, min_width=320, elem_classes="pg-tight"):
                self._build_writing()
                self.detail = Panel(live=True, elem_id="token-detail")
                self.pieces = FollowingRadio([], visible=False, label="Byte pieces", elem_id="pieces")
                self.chart = PlotlyView(label="Next token", height=400, elem_id="next-token", elem_classes=LEADING)
                self.token_reasons = TokenReasons()
                self.why_token, self.reasons = self.token_reasons.button, self.token_reasons.room
                self.came_about = self.token_reasons.came_about
                self._build_tree()
                self.stages = PlotlyView(label="Rule by rule", height=520, visible=False, elem_id="stages")
            with gr.Column(scale=3, min_width=260):
                self.controls = ControlsColumn(page)
                self.rules_column = self.controls.rules_column

    def named(self, *names: str) -> dict[str, Block]:
        """Some of the components by their names."""
        return {name: vars(self)[name] for name in names}

    def _build_writing(self) -> None:
        """What is written, in which mode, and how the strip reads."""
        modes = [("Complete", "complete")]
        self.mode = FollowingRadio(
            modes, value="complete", show_label=False, container=False, elem_id="mode", label="Mode"
        )
        with gr.Row(visible=False, elem_id="languages") as self.languages:
            self.source_language = FollowingDropdown([], label="Source language", elem_id="source-language")
            self.target_language = FollowingDropdown([], label="Target language", elem_id="target-language")
        self._build_chat()
        self._build_score()
        with gr.Row(elem_classes="pg-actions"):
            self.start = gr.Button("Generate", elem_classes="pg-do", scale=0, min_width=120, elem_id="generate")
            self.more = gr.Button("Continue", scale=0, min_width=100, elem_id="continue")
            self.stop = gr.Button("Stop", scale=0, min_width=80, elem_id="stop")
            self.into = gr.Button(texts.USE_EVERYWHERE, scale=0, min_width=230, elem_id="look-into")
        self.strip = TokenStrip(label="The text and its continuation", lines=11, elem_id="strip")
        Panel(markup.actors(texts.ACTORS), elem_id="strip-actors")
        self.status = Panel(live=True, elem_id="generate-status")

    def _build_chat(self) -> None:
        with gr.Column(visible=False, elem_id="chat") as self.chat_room:
            self.chatbot = gr.Chatbot(
                label="Conversation",
                height=300,
                render_markdown=False,
                latex_delimiters=[],
                editable="all",
                buttons=["copy"],
                feedback_options=None,
                elem_id="chatbot",
                placeholder=texts.CHAT_EMPTY,
            )
            self.chat_message = gr.Textbox(
                texts.FIRST_MESSAGE, label="Your message", lines=1, max_lines=6, elem_id="chat-message"
            )
            self.chat_note = Panel(live=True, elem_id="chat-note")
            with gr.Accordion("System prompt", open=False):
                self.system = gr.Textbox(
                    "", show_label=False, container=False, lines=2, elem_id="system-prompt", placeholder=texts.NO_SYSTEM
                )

    def _build_score(self) -> None:
        with gr.Column(visible=False, elem_id="score") as self.score_room:
            self.second = gr.Textbox(
                "", label=texts.SECOND_TEXT, info=texts.SECOND_TEXT_HELP, lines=2, max_lines=8, elem_id="second-text"
            )
            with gr.Row(elem_classes="pg-actions"):
                self.compare_texts = gr.Button(
                    "Compare token by token", size="sm", scale=0, min_width=180, elem_id="compare-texts"
                )
            self.scored = Panel(live=True, elem_id="score-words")
            self.texts_beside = PlotlyView(label="Side by side", height=420, visible=False, elem_id="texts-beside")

    def _build_tree(self) -> None:
        """The tree, under what it grew from: the bars above it stay where they are when it appears."""
        self.tree = PlotlyView(label="Continuations", height=200, visible=False, elem_id="tree")
        with gr.Column(visible=False, elem_id="compare") as self.comparing:
            with gr.Row(elem_classes="pg-controls"):
                self.leaf = choices_of_text(texts.COMPARE_WITH, "compare-with")
                self.clear = gr.Button("Clear tree", size="sm", scale=0, min_width=100, elem_id="clear-tree")
            self.compared = Panel(live=True, elem_id="compare-words")
        self.beside = PlotlyView(label="Side by side", height=420, visible=False, elem_id="beside")


@at_worker()
def close_session(session_id: str) -> None:
    """Forgets the session of a page that was closed."""
    workbench.shared().sessions.close(session_id)
