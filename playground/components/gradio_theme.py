"""The page's Gradio theme: system fonts, one accent colour, readable greys. Knows no components.

Gradio's default theme loads a font file with the letters of some scripts only. The system's fonts have every script that a
visitor may type, and cost no request. Pass the result to `launch(theme=...)`.
"""

from collections.abc import Mapping

import gradio as gr

SANS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "monospace")


def theme(accent: Mapping[int, str]) -> gr.themes.Base:
    """An accent on slate greys: Gradio's steps of the colour, 50 to 950. All text, also the subdued one, has a contrast of
    at least 4.5 in light and dark with the page's blue."""
    blue = gr.themes.Color(name="playground-blue", **{f"c{step}": colour for step, colour in accent.items()})
    return gr.themes.Default(
        primary_hue=blue,
        secondary_hue=blue,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=SANS,
        font_mono=MONO,
    ).set(
        color_accent="*primary_600",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        body_background_fill="*background_fill_primary",
        background_fill_secondary="*neutral_50",
        link_text_color="*primary_700",
        link_text_color_visited="*primary_700",
        link_text_color_visited_dark="*primary_300",
        link_text_color_dark="*primary_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        checkbox_background_color_selected_dark="*primary_600",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
