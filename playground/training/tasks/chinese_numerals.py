"""The numbers 0 to 999 in English words and in Chinese numerals, and which word each numeral says. Knows no models."""

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
DIGITS = "零一二三四五六七八九"


def english(number: int) -> list[str]:
    """845 -> eight, hundred, and, forty, five."""
    if number < 20:
        return [ONES[number]]
    if number < 100:
        return [TENS[number // 10], *([ONES[number % 10]] if number % 10 else [])]
    rest = number % 100
    return [ONES[number // 100], "hundred", *(["and", *english(rest)] if rest else [])]


def chinese(number: int) -> str:
    """845 -> 八百四十五; 805 -> 八百零五; 15 -> 十五, but 115 -> 一百一十五."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    if number < 10:
        return DIGITS[number]
    text = DIGITS[hundreds] + "百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (DIGITS[ones] if ones else "")


def alignment(number: int) -> list[int]:
    """For each numeral of `chinese(number)` the place of the word of `english(number)` that says it."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    if number < 10:
        return [0]
    places, first = ([0, 1], 3) if hundreds else ([], 0)  # eight hundred and …
    if rest == 0:
        return places
    if tens == 0:
        return [*places, 2, first]  # 零 stands for "and"
    numerals = 1 if tens == 1 and not hundreds else 2
    places += [first] * numerals
    if ones:
        places.append(first if tens == 1 else first + 1)  # fifteen says 十 and 五
    return places
