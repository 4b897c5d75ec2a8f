"""A list of lines and a visitor's table: separators, encodings, sizes, hostile cells."""

import csv
import os

import pytest

from playground.errors import PlaygroundError
from playground.figures.tasks.lists import list_sentence
from playground.tasks.line_answers import LineAnswer, answer_lines, line_table, lines_of
from playground.tasks.table_file import (
    MAX_BYTES,
    names_columns,
    read_table,
    safe_cell,
    separator_of,
    text_column,
    written,
)

CHINESE = (
    "评论;标签\n这家饭馆的面条又热又香，服务员也很周到。;好\n手机用了三天就坏了，客服也不理人。;坏\n"
    "房间很干净，离车站也近。;好\n"
)
FRENCH = "texte\tnote\nLe café était délicieux et la serveuse très gentille.\t5\nUn dîner raté, hélas, à éviter.\t1\n"


SHORT = "avis;label\nLa soupe était très bonne, le garçon charmant;bon\nUn film raté, à éviter;mauvais\n"
POLISH = "opinia;etykieta\nZupa była wspaniała, obsługa też;dobra\nFilm był nudny i zły;zła\n"
RUSSIAN = "текст;метка\nСуп был очень вкусным и горячим;хорошо\nОфициант был грубым и медленным;плохо\n"


@pytest.mark.parametrize(
    ("text", "encoding", "separator", "read_as"),
    [
        (CHINESE, "utf-8", ";", "utf-8"),
        (CHINESE, "gb18030", ";", "gb18030"),
        (CHINESE, "utf-16", ";", "utf-16"),
        (CHINESE, "utf-8-sig", ";", "utf-8-sig"),
        (FRENCH, "cp1252", "\t", None),
        (SHORT, "cp1252", ";", "cp1252"),
        (POLISH, "cp1250", ";", "cp1250"),
        (RUSSIAN, "cp1251", ";", "cp1251"),
        (RUSSIAN, "koi8_r", ";", "koi8_r"),
        ('"a, b",1\n"c\nd",2\n', "utf-8", ",", "utf-8"),
    ],
)
def test_a_table_in_another_separator_and_encoding(tmp_path, text, encoding, separator, read_as):
    """Guards mojibake and a table read as one column: what was written comes back, and says how it was read."""
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = read_table(tmp_path / "t.csv")
    assert table.separator == separator and (read_as is None or table.encoding == read_as)
    assert list(table.rows) == [tuple(row) for row in csv.reader(text.splitlines(True), delimiter=separator)]


def test_prose_is_no_table(tmp_path):
    """Guards a text cut at its commas: lines whose commas differ in number are one cell each; quoted ones lose the marks."""
    (tmp_path / "t.txt").write_text('One, two.\nThree, four, and five.\nSix.\n"Seven, ""eight""."\n\n')
    table = read_table(tmp_path / "t.txt")
    assert [row[0] for row in table.rows] == ["One, two.", "Three, four, and five.", "Six.", 'Seven, "eight".']
    assert table.columns == 1 and table.separator == ""
    assert separator_of("a\tb") == "\t" and separator_of("Well, no.") == "" and separator_of("") == ""


def test_the_column_of_texts_and_its_names(tmp_path):
    """Guards labels that are read as texts, and a first text that is taken for a name."""
    (tmp_path / "t.csv").write_text("id,label,review\n1,good,What a warm and funny film\n2,bad,It was dull and slow\n")
    table = read_table(tmp_path / "t.csv")
    assert text_column(table) == 2 and names_columns(table)
    (tmp_path / "t.csv").write_text("good,What a warm and funny film\nbad,It was dull and slow\n")
    assert not names_columns(read_table(tmp_path / "t.csv"))


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    """Guards a server that reads 100 MB to learn that they are too many: the file is sparse, and none of it is read."""
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    before = os.stat(path).st_atime_ns
    with pytest.raises(PlaygroundError, match=r"100\.0 MB; at most 1 MB"):
        read_table(path)
    assert os.stat(path).st_atime_ns == before and MAX_BYTES == 1_000_000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04\0\0", "is no text"),
        (b"x\n" * 1500, "has more rows than are read, 1,000 and one"),
        (b",".join([b"x"] * 60) + b"\n" + b",".join([b"y"] * 60), "60 columns"),
        (b'"' + b"b" * 200_000 + b'"\nc\n', "quotation marks"),
    ],
)
def test_files_that_are_no_table(tmp_path, data, words):
    """Guards Python's words for an empty file, a zip, too many rows or columns, and an endless cell."""
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(PlaygroundError, match=words):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'x", "＝1", "=cmd|' /C calc'!A0"])
def test_no_cell_runs_in_a_spreadsheet(tmp_path, cell):
    """Guards a formula that a pasted line smuggles into a teacher's spreadsheet; numbers stay numbers."""
    assert safe_cell(cell) == f"'{cell}" and safe_cell(-1.5) == -1.5 and safe_cell("a=b") == "a=b"
    path = written(tmp_path / "t.csv", ["text", cell], [(cell, -0.5), ("a,b\nc", 1)])
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["text", f"'{cell}"] and rows[1] == [f"'{cell}", "-0.5"]


def test_one_bad_line_stops_no_other():
    """Guards 999 answers lost to one line; what was read before a Stop is kept; the table has a row for each."""

    def one(line):
        if line == "bad":
            raise PlaygroundError("Too long.", "Shorten it.")
        return LineAnswer(line, "yes", 0.75, (0.75, 0.25), ("yes", "no"))

    answers = answer_lines(["a", "bad", "c"], one)
    head, rows = line_table(answers)
    assert head == ["line", "text", "answer", "confidence", "P(yes)", "P(no)"]
    assert rows == [
        [1, "a", "yes", 0.75, 0.75, 0.25],
        [2, "bad", "Too long.", "", "", ""],
        [3, "c", "yes", 0.75, 0.75, 0.25],
    ]
    words = list_sentence(answers)
    assert words == "3 lines: yes 2. Least sure: “a” (75 %). 1 could not be read; the table says why."
    with pytest.raises(PlaygroundError, match="no lines"):
        lines_of(" \n ")
    with pytest.raises(PlaygroundError, match="1,001 lines"):
        lines_of("x\n" * 1001)
