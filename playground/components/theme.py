"""The page's Gradio theme: system fonts, one accent colour, readable greys. Knows no components.

Gradio's default theme brings a font file of its own that holds only some letters; the system's fonts hold every
script a visitor may type, and cost no request. Give the result to `launch(theme=...)`.
"""

import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans CJK SC", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "monospace")

# The hue of the figures' sequential scale, so that a strong button, a bar and a large weight are one blue.
BLUE = gr.themes.Color(
    name="playground-blue",
    c50="#f4f7fc",
    c100="#e7eef8",
    c200="#dbe6f5",
    c300="#abc8e8",
    c400="#7aa9dc",
    c500="#4f86c6",
    c600="#3b6fb6",
    c700="#2f5a97",
    c800="#20447f",
    c900="#16305f",
    c950="#0e2148",
)


def theme() -> gr.themes.Base:
    """One blue accent on slate greys; text, also the quiet one, reaches a contrast of 4.5 in light and dark."""
    return gr.themes.Default(
        primary_hue=BLUE,
        secondary_hue=BLUE,
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
