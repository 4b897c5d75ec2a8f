"""How the page spells numbers, one function for each kind: shares, bits, log-probabilities, ratios. Nothing else on the page
writes a percent sign or the word "bits" after a number (tests/tabs/test_number_spelling.py looks for it)."""

import math
from collections.abc import Sequence

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float) -> str:
    """A share 0..1 in the page's one spelling: whole between 10 and 99, else with one digit: "71 %", "3.4 %", "99.6 %";
    "<0.1 %" and ">99.9 %" for what is not quite none or all. Within 1e-6 of 1, which float32 does not tell apart,
    it is "100 %"."""
    value = 100 * share
    if abs(value) < 0.05:
        return "<0.1 %" if value > 0 else "0 %"
    if 99.95 <= value < 100 - 1e-4:
        return ">99.9 %"
    digits = 0 if 9.95 <= value < 99 else 1
    return f"{value:.{digits}f}".removesuffix(".0") + " %"


def bits(value: float, signed: bool = False) -> str:
    """A surprisal, entropy, loss or divergence in the page's one unit: "5.86 bits", "0.0012 bits", signed "+0.41 bits".
    Two digits after the point, of less than 0.1 two digits that count."""
    size = abs(value)
    if 0 < size < 0.001:
        return "<0.001 bits"
    sign = "+" if signed and value > 0 else "−" if value < 0 else ""
    return f"{sign}{size:#.2g} bits" if 0 < size < 0.1 else f"{sign}{size:.2f} bits"


def ln_p(value: float, tokens: int) -> str:
    """A continuation's log-probability, whole and per token, in nats: "ln p −6.20, −0.89 per token"."""
    return f"ln p {minus(value)}, {minus(value / max(1, tokens))} per token"


def minus(value: float, digits: int = 2) -> str:
    """A number with two digits, or as many as are named, and a typographic minus: "−6.20"; what rounds to nothing has none:
    "0.00"."""
    return f"{value:z,.{digits}f}".replace("-", "−")


def signed(value: float) -> str:
    """A number with its sign: "+1.20", "−0.35"; of less than 0.1 two digits that count: "+0.0043", of less than 0.0001 one
    and its power of ten: "−3·10⁻⁷"; "0"."""
    size, sign = abs(value), "−" if value < 0 else "+"
    if size >= 0.1 or value != value:
        return f"{sign}{size:,.2f}"
    if size >= 1e-4:
        return f"{sign}{size:#.2g}"
    return f"{sign}{power_of_ten(size)}" if size else "0"


def cosine(value: float) -> str:
    """A cosine with its sign, near 1 with as many digits as tell it from 1: "+0.31", "+0.9988"; within 1e-6 "+1"."""
    gap = 1 - abs(value)
    if gap >= 0.01 or value != value:
        return signed(value)
    sign = "−" if value < 0 else "+"
    if gap < 1e-6:
        return f"{sign}1"
    return f"{sign}{abs(value):.{math.ceil(-math.log10(gap)) + 1}f}"


def power_of_ten(number: float) -> str:
    """A small number with one digit and its power of ten, as it is printed in books: 6.1e-07 -> "6·10⁻⁷"; 0 -> "0". From
    0.01 on as a decimal: 0.0123 -> "0.012"."""
    if not number:
        return "0"
    if abs(number) >= 1e-2:
        return f"{number:.2g}" if abs(number) < 100 else f"{number:,.0f}"
    digit, power = f"{number:.0e}".split("e")
    return f"{digit}·10{str(int(power)).translate(_RAISED)}"


def digits_that_add_up(parts: Sequence[float], whole: float) -> int:
    """The fewest digits after the point, 2 to 5, at which rounded parts add up to the rounded whole."""
    for digits in range(2, 5):
        if round(sum(round(part, digits) for part in parts) - round(whole, digits), digits) == 0:
            return digits
    return 5


def as_typed(value: float) -> str:
    """A number as a visitor would type it: "0.4", "1,000,000,000"."""
    return f"{value:,.12g}".replace("-", "−")


def times(ratio: float) -> str:
    """How many times as much: "3.1×", "1,200×"."""
    return f"{ratio:,.0f}×" if ratio >= 99.5 else f"{ratio:.2g}×"
