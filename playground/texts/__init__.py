"""What the page says at length: explanations, help and refusals; one module a tab, `shared` for what they have in common.

Constants only; `numbers` alone has functions. A name in braces is filled in by whoever shows the text. `chinese/` has the
tables by which the browser says them, and all other words of the page, in Chinese.
Sentences made of numbers stand beside the pictures of these numbers, in `figures/`.
Texts that open under a line (`ABOUT`) are the line and its paragraphs, markup of our own: `markup.explanation(*ABOUT)`.
"""
