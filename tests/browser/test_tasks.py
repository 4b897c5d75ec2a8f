"""The Tasks tab in a browser: labels with their reasons, a span marked in a passage, names tagged."""

import re

import pytest
from playwright.sync_api import Page, expect

import playground as pg
from tests.browser.test_answer_in_view import in_view
from tests.browser.test_attention import place_of
from tests.browser.test_other_models import load
from tests.browser.test_page import look_at, open_tab
from tests.tools import zoo
from tests.tools.task_models import LABELS, network


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """Folders of tiny checkpoints with a head, by task."""
    place = tmp_path_factory.mktemp("heads")
    for task in LABELS:
        network("bert", task).save_pretrained(place / task)
        zoo.pair_tokenizer().save_pretrained(place / task)
    return {task: place / task for task in LABELS}


def selected(page: Page, name: str):
    return page.get_by_role("tab", name=name, exact=True).locator("visible=true")


def test_a_language_model_scores_labels_and_says_why(tiny_page):
    """Guards the whole way: bars, the text shaded, bars by token, and all of it anew after another label; nothing that a
    visitor typed becomes markup."""
    page = tiny_page
    open_tab(page, "Tasks")
    page.wait_for_selector("#task-probabilities .pv[data-rendered]")
    look_at(page, "It was <b>not</b> bad")
    expect(page.locator("#task-why")).to_contain_text("It was <b>not</b> bad")
    expect(page.locator("#task-why .pg-why").first).to_be_visible()
    page.wait_for_selector("#task-why-bars .pv[data-rendered]")
    expect(page.locator("#task-why-words")).to_contain_text("Occlusion")
    box = page.locator("#task-labels :is(input, textarea)")
    box.fill("good, bad, <i>odd</i>")
    box.press("Enter")
    expect(page.locator("#task-against")).to_be_visible()
    expect(page.locator("#task-why-words")).to_contain_text("“")
    assert page.locator("#task-why b, #task-sentence i").count() == 0


def test_a_checkpoint_with_a_head_opens_on_its_view(tiny_page, heads):
    """Guards a classifier, a reader and a tagger that are met on a tab which says what they can't do: each opens Tasks on
    its own view; a span is marked in the passage, and Generate names the head."""
    page = tiny_page
    open_tab(page, "Generate")
    load(page, heads["answer"])
    expect(selected(page, "Answer")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#task-answer-passage mark")).to_have_count(1)
    page.wait_for_selector("#task-spans .pv[data-rendered]")
    page.locator("#task-passage textarea").fill("Anna built the bridge.")  # one window of this reader's 64 tokens
    page.locator("#task-question textarea").fill("Who?")
    page.locator("#task-answer").click()
    expect(page.locator("#task-answer-others tr")).to_have_count(7)
    page.wait_for_selector("#task-answer-why-bars .pv[data-rendered]")
    before = page.locator("#task-answer-why-words").inner_text()
    page.mouse.click(*place_of(page, "#task-spans .pv", 20, 12))
    expect(page.locator("#task-span input")).to_have_value(re.compile("clicked"))
    expect(page.locator("#task-answer-why-words")).not_to_have_text(before)
    expect(page.locator("#task-answer-why")).to_contain_text("Who?")
    page.wait_for_timeout(600)  # the page scrolls
    assert in_view(page, "#task-answer-why-words")
    open_tab(page, "Generate")
    expect(page.locator("#generate-status")).to_contain_text("marks the answer to a question in a passage")
    load(page, heads["tag"])
    expect(selected(page, "Tag")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#task-tagged .pg-mark").first).to_be_visible()
    expect(page.locator("#task-tag-why .pg-why").first).to_be_visible()
    open_tab(page, "X-ray")
    load(page, heads["classify"])
    expect(selected(page, "Classify")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#task-sentence")).to_contain_text("logit")
    expect(page.locator("#task-labels")).to_be_hidden()
    load(page, "llama")
    expect(page.locator("#task-labels")).to_be_visible()


def test_which_words_made_a_token(tiny_page):
    """Guards reasons below the fold, and those of the token before: beside another token they change, and go once another
    token of the strip is chosen."""
    page = tiny_page
    open_tab(page, "Generate")
    page.wait_for_selector("#next-token .pv[data-rendered]")
    page.locator("#why-token").click()
    page.wait_for_selector("#why-token-text-bars .pv[data-rendered]")
    page.wait_for_timeout(600)  # the page scrolls
    assert in_view(page, "#why-token-text")
    before = page.locator("#why-token-text-words").inner_text()
    page.locator("#why-token-against input").click()
    page.get_by_role("option", name="(by itself)").click()
    expect(page.locator("#why-token-text-words")).not_to_have_text(before)
    page.locator("#strip .t").nth(3).click()
    expect(page.locator("#token-reasons")).to_be_hidden()


def test_a_list_from_a_table(tiny_page, tmp_path):
    """Guards an upload that fills nothing, cells that become markup, and a file that can't be had: a table in another
    encoding, its answers to sort, and the CSV."""
    page = tiny_page
    (tmp_path / "t.csv").write_bytes(
        "评论;标签\n这家饭馆的面条又热又香。;好\n<b>So</b> dull;坏\n=1+1;坏\n".encode("gb18030")
    )
    open_tab(page, "Tasks", "A list")
    with page.expect_file_chooser() as chooser:
        page.locator("#list-file").click()
    chooser.value.set_files(tmp_path / "t.csv")
    expect(page.locator("#list-file-words")).to_contain_text("3 lines from 2 columns, parted by semicolons; gb18030")
    expect(page.locator("#list-lines textarea")).to_have_value("这家饭馆的面条又热又香。\n<b>So</b> dull\n=1+1")
    page.locator("#list-go").click()
    expect(page.locator("#list-sentence")).to_contain_text("3 lines: ")
    expect(page.locator("#list-table")).to_contain_text("<b>So</b> dull")
    with page.expect_download() as saved:
        page.locator("#list-csv").click()
    text = saved.value.path().read_text(encoding="utf-8-sig")
    assert "'=1+1" in text and "面条" in text and saved.value.suggested_filename.endswith(".csv")


def test_a_translation_with_its_alignment(tiny_page, tmp_path):
    """Guards the whole way from a translator that was trained here: its words, which are those of Python, the lines and the
    map of its words, one head instead of the mean, a token's alternatives, and the script; a text that is no number, as
    markup, stays a text."""
    page, run = tiny_page, pg.train("numbers", steps=40)
    while not run.finished:
        run.advance()
    text = "six hundred and four"
    own = pg.translate(run.model(), text).text
    open_tab(page, "Tasks")
    load(page, run.save(tmp_path / "numbers"))
    page.locator("#tasks-views").get_by_role("tab", name="Translate").click()
    look_at(page, text)
    expect(page.locator("#task-translation-words")).to_contain_text("Press Translate")
    page.locator("#task-go").click()
    page.wait_for_selector("#task-alignment .pv[data-rendered]")
    page.wait_for_selector("#task-alignment-map .pv[data-rendered]")
    expect(page.locator("#task-translation")).to_have_text(own)
    expect(page.locator("#task-alignment-words")).to_contain_text("Mean of all heads of all layers")
    page.locator("#task-layer input").click()
    page.get_by_role("option", name="1", exact=True).click()
    expect(page.locator("#task-alignment-words")).to_contain_text("Layer 1, mean of its heads")
    page.locator("#task-translation-strip .t").first.click()
    expect(page.locator("#task-translation-strip .t").first).to_have_attribute("aria-selected", "true")
    page.locator("#task-translation-python summary").click()
    expect(page.locator("#task-translation-python code")).to_contain_text("AutoModelForSeq2SeqLM")
    page.locator("#tasks-views").get_by_role("tab", name="Summarise").click()
    page.locator("#task-summary-passage textarea").fill("<b>six</b> hundred. ninety one")
    page.locator("#task-summarise").click()
    expect(page.locator("#task-summary-source")).to_contain_text("<b>six</b>")
    page.locator("#tasks-views").get_by_role("tab", name="Translate").click()
    expect(page.locator("#task-translation")).to_have_text(own)
