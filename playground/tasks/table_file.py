"""A table of a visitor's (CSV and its kin): which encoding and separator it has, its rows; and cells for files that a
spreadsheet opens. The file is hostile: its size is looked at before it is read.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from charset_normalizer import from_bytes

from playground.errors import PlaygroundError

MAX_ROWS = 1_000
MAX_BYTES = 1_000_000
MAX_COLUMNS = 50
SEPARATORS = ",;\t|"
_SAMPLE = 65_536
"""Bytes from which an encoding is told."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENCODINGS = [
    "gb18030", "big5", "shift_jis", "euc_kr", "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256",
]  # fmt: skip
_FORMULA = re.compile(r"[=+\-@\t\r'＝＋－＠]")


@dataclass(frozen=True)
class Table:
    """Rows of cells, each row as long as the longest."""

    rows: tuple[tuple[str, ...], ...]
    separator: str
    """Empty where each line is one cell."""
    encoding: str

    @property
    def columns(self) -> int:
        """How many there are."""
        return len(self.rows[0]) if self.rows else 0


def read_table(path: str | Path) -> Table:
    """The rows of a file, blank ones left out. PlaygroundError for one that is larger than `MAX_BYTES`, that is no text, or
    that has more than `MAX_ROWS` rows (and one that names the columns)."""
    path = Path(path)
    if (size := path.stat().st_size) > MAX_BYTES:
        raise PlaygroundError(
            f"The file has {size / 1e6:,.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB is read.", "Split it into parts."
        )
    text, encoding = decoded(path.read_bytes())
    separator = separator_of(text)
    try:
        rows = [row for row in _parsed(text, separator) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise PlaygroundError(
            "A cell is too long, or the file's quotation marks don't end.", "Save the table as CSV."
        ) from error
    if not rows:
        raise PlaygroundError("The file is empty.", "Choose one with a text on each line.")
    width = max(map(len, rows))
    if len(rows) > MAX_ROWS + 1:
        raise PlaygroundError(
            f"The file has more rows than are read, {MAX_ROWS:,} and one that names the columns.",
            "Split it into parts.",
        )
    if width > MAX_COLUMNS:
        raise PlaygroundError(f"The file has {width:,} columns; at most {MAX_COLUMNS} are read.", "Take some out.")
    return Table(tuple(tuple(row) + ("",) * (width - len(row)) for row in rows), separator, encoding)


def decoded(data: bytes) -> tuple[str, str]:
    """A file's text and its encoding: by its mark, UTF-8 where that fits, else by what its letters look like."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not encoding:
        if b"\0" in data:
            raise PlaygroundError("The file is no text.", "Save the table as CSV.")
        try:
            return data.decode(), "utf-8"
        except UnicodeDecodeError:
            encoding = _likeliest(data[:_SAMPLE])
    return data.decode(encoding, "replace"), encoding


def _likeliest(data: bytes) -> str:
    """The encoding that the letters look like; of two that look as good the western European one, which is met more often
    than the central European."""
    guesses = from_bytes(data, cp_isolation=_ENCODINGS)
    best = guesses.best()
    if best is None:
        return "cp1252"
    as_good = [guess.encoding for guess in guesses if guess.chaos <= best.chaos]
    return "cp1252" if best.encoding == "cp1250" and "cp1252" in as_good else best.encoding


def separator_of(text: str) -> str:
    """The separator that cuts most of the first lines into the same number of cells, more than one; empty without any, as in
    lines of prose, whose commas are not the same number in each."""
    best, cells = "", 1
    for separator in SEPARATORS:
        try:
            counts = [len(row) for row in _parsed(text[:_SAMPLE], separator, 100) if row]
        except csv.Error:
            continue
        if not counts:
            continue
        usual = max(set(counts), key=counts.count)
        enough = counts.count(usual) >= 0.8 * len(counts) and (len(counts) > 1 or separator == "\t")
        if usual > 1 and enough and (separator == "\t" or usual > cells):
            best, cells = separator, usual
    return best


def _parsed(text: str, separator: str, most: int = MAX_ROWS + 2) -> list[list[str]]:
    """At most this many rows."""
    if not separator:
        lines = [line for line in text.splitlines() if line.strip()][:most]
        return [[cell[0]] if (cell := _unquoted(line)) else [line] for line in lines]
    rows: list[list[str]] = []
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        rows.append(row)
        if len(rows) >= most:
            break
    return rows


def _unquoted(line: str) -> list[str]:
    """The one cell of a line that is wholly in quotation marks; nothing for any other line."""
    if len(line) < 2 or not (line.startswith('"') and line.endswith('"')):
        return []
    cells = next(csv.reader([line]), [])
    return cells if len(cells) == 1 else []


def text_column(table: Table) -> int:
    """The number of the column with the longest cells: the texts."""
    return max(range(table.columns), key=lambda n: sum(len(row[n]) for row in table.rows))


def names_columns(table: Table) -> bool:
    """Whether the first row looks like the columns' names: short, all different, none a number, and much shorter than the
    texts below it."""
    if len(table.rows) < 2 or table.columns < 2:
        return table.rows[0][0].strip().lower() in _NAMES if table.rows else False
    first, column = [cell.strip() for cell in table.rows[0]], text_column(table)
    below = sum(len(row[column]) for row in table.rows[1:]) / (len(table.rows) - 1)
    plain = all(0 < len(cell) <= 40 and not cell.replace(".", "").isdigit() for cell in first)
    return plain and len(set(first)) == len(first) and len(first[column]) <= 0.6 * below


_NAMES = {
    "text",
    "texts",
    "sentence",
    "sentences",
    "review",
    "reviews",
    "question",
    "questions",
    "line",
    "文本",
    "句子",
    "评论",
}


def safe_cell(cell: str | float) -> str | float:
    """A cell for a file: a text that a spreadsheet would run as a formula, or that begins with an apostrophe, gets an
    apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def written(path: Path, head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> Path:
    """Writes a CSV that spreadsheets read as UTF-8, every cell safe."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        _write(file, head, rows)
    return path


def csv_text(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """The same as a text, for a file that the browser saves."""
    lines = io.StringIO()
    _write(lines, head, rows)
    return "\ufeff" + lines.getvalue()


def _write(file: TextIO, head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> None:
    writer = csv.writer(file)
    writer.writerow([safe_cell(cell) for cell in head])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
