"""QR codes, drawn here: for a page, and for a terminal."""

import io
from html import escape


def qr_code(address: str, label: str, name: str) -> str:
    """Markup of an address's code. label: what it is, for screen readers. name: of the element."""
    import segno  # not before somebody wants a code

    drawn = segno.make(address, error="l", micro=False).svg_inline(border=4, dark="black", light="white", omitsize=True)
    return f'<div id="{name}" role="img" aria-label="{escape(label)}">{drawn}</div>'


def qr_code_in_terminal(address: str) -> str:
    """Lines of half blocks."""
    import segno

    lines = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(lines, border=2, compact=True)
    return lines.getvalue().rstrip("\n")
