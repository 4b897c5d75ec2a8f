"""What the Tasks tab costs: python -m tests.benchmarks.tasks

Seconds by the clock, the least of the rounds, and of the CPU: a sentence's labels and a passage's answer by a model of
BERT's size (BertConfig's defaults, random weights: the time does not depend on them), and a sentence's labels by a language
model's words; the passes and seconds of each attribution; a list of lines with its reports of progress. Where captum is
installed, our integrated gradients beside its own.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable

import numpy as np
import torch
from transformers import BertConfig, BertForQuestionAnswering, BertForSequenceClassification, PreTrainedModel

import playground as pg
from playground.analysis.tasks.attribution import INTEGRAL, METHODS
from playground.loading import prepare
from playground.tasks.attribute import baseline_token
from playground.tasks.head_scores import label_score
from playground.tasks.line_answers import answer_lines, labelled
from playground.tasks.token_scores import TokenScore, embed
from tests.tools import zoo

SENTENCE = "The food was cold."
PASSAGE_TOKENS = 512
LABELS = ("positive", "negative")


def least(name: str, work: Callable[[], object], rounds: int) -> None:
    """Prints the least seconds of several rounds."""
    seconds, cpu = [], []
    for _ in range(rounds):
        started, used = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    print(f"{name:<52} {min(seconds):7.2f} s, {min(cpu):6.2f} s of CPU", flush=True)


def bert(network: type[PreTrainedModel], layers: int) -> pg.LoadedModel:
    """A model of BERT's size with a head."""
    torch.manual_seed(0)
    config = BertConfig(num_hidden_layers=layers)
    built = network._from_config(config, attn_implementation="sdpa").eval()
    return prepare(built, zoo.pair_tokenizer(), f"{network.__name__}, {layers} layers")


def fine_integral(score: TokenScore, steps: int = 1_000) -> np.ndarray:
    """(T,): the integral by the middle of each of many steps, one pass each."""
    text, blank = embed(score.model, score.ids), embed(score.model, [baseline_token(score.model)])
    baseline = torch.where(torch.tensor(score.free)[:, None], blank, text)
    change, total = text - baseline, torch.zeros_like(text)
    for step in range(steps):
        leaf = (baseline + (step + 0.5) / steps * change)[None].requires_grad_()
        (gradient,) = torch.autograd.grad(score.score(leaf).sum(), leaf)
        total += gradient[0] / steps
    return (total * change).sum(-1).detach().double().numpy()


def captum_difference(score: TokenScore, ours: np.ndarray, steps: int = 64) -> float:
    """The largest difference between captum's integrated gradients, of these Gauss-Legendre steps, and ours, as a share of
    the largest part."""
    from captum.attr import IntegratedGradients

    text, blank = embed(score.model, score.ids), embed(score.model, [baseline_token(score.model)])
    baseline = torch.where(torch.tensor(score.free)[:, None], blank, text)
    theirs = IntegratedGradients(score.score).attribute(
        text[None], baseline[None], n_steps=steps, method="gausslegendre", internal_batch_size=8
    )
    theirs = theirs[0].sum(-1).detach().numpy()
    return float(np.abs(theirs - ours).max() / np.abs(ours).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    classifier = bert(BertForSequenceClassification, options.layers)
    words = pg.load(options.model, dtype="float32")
    print(f"{options.model}; {classifier.model_id}; {torch.get_num_threads()} threads")
    pg.classify(words, SENTENCE, LABELS)  # what the empty text says is kept with the model
    least("labels of a sentence, BERT's size", lambda: pg.classify(classifier, SENTENCE), options.rounds)
    least("labels of a sentence, by words", lambda: pg.classify(words, SENTENCE, LABELS), options.rounds)
    result = pg.classify(classifier, SENTENCE)
    score = label_score(classifier, SENTENCE, *(label.name for label in result.ranking))
    for method in METHODS:
        seen = pg.attribute(score, method)
        error = f", off by {seen.completeness.error:.2e}" if seen.completeness else ""
        least(f"{method}, {seen.passes} passes{error}", lambda method=method: pg.attribute(score, method), 1)
    if importlib.util.find_spec("captum"):
        ours = pg.attribute(score, INTEGRAL).values
        print(f"captum's integral of 64 steps beside ours: {captum_difference(score, ours):.1e} of the largest part")
    reports: list[float] = []
    lines = [f"{SENTENCE} {number}" for number in range(options.rows)]
    least(
        f"a list of {options.rows:,} lines, BERT's size",
        lambda: answer_lines(lines, lambda line: labelled(line, pg.classify(classifier, line)), reports.append), 1,
    )  # fmt: skip
    print(f"reports of progress: {len(reports):,}")
    reader = bert(BertForQuestionAnswering, options.layers)
    question = "Who paid?"
    passage = "x" * (PASSAGE_TOKENS - len(question) - 3)  # a token for each letter, and three special ones
    tokens = len(pg.answer(reader, question, passage).windows[0].ids)
    least(f"an answer in {tokens} tokens, BERT's size", lambda: pg.answer(reader, question, passage), options.rounds)


if __name__ == "__main__":
    main()
