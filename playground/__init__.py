"""Transformer Playground: load a pretrained transformer, run it, look inside.

    import playground as pg
    model = pg.load("smollm2-135m-instruct")
    recording = pg.record(model, "The cat sat on the mat")
    recording.attention(layer=3).weights      # (heads, queries, keys)

What is named here is public; torch and transformers are imported when a name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from playground.errors import Cancelled, PlaygroundError
from playground.settings import Settings

if TYPE_CHECKING:
    from playground.analysis.layers.contributions import Contributions
    from playground.analysis.layers.exchange import Exchange
    from playground.analysis.layers.lens import Lens
    from playground.analysis.tasks.accuracy import Accuracy
    from playground.generation.generate import generate
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import Step
    from playground.loading import load
    from playground.models.decoder_start import Target
    from playground.models.loaded_model import Capabilities, LoadedModel
    from playground.models.vocabulary import Token
    from playground.recording.attention import AttentionMap
    from playground.recording.edits.edit import Edit
    from playground.recording.layers.exchange import patch
    from playground.recording.pair_ranking import rank_heads_between
    from playground.recording.record import record
    from playground.recording.recording import Recording, Verification
    from playground.tasks.answer import Answer, answer
    from playground.tasks.attribute import Attribution, attribute
    from playground.tasks.classification import Classification
    from playground.tasks.classify import classify
    from playground.tasks.how_good import how_good
    from playground.tasks.summarise import Summary, summarise
    from playground.tasks.tag import Tagging, tag
    from playground.tasks.translate import Translation, translate
    from playground.training.classifier import Classifier, train_classifier
    from playground.training.finetuning.finetuning import Finetuning, finetune
    from playground.training.recipe import Recipe
    from playground.training.run import Run, train
    from playground.training.snapshot import Snapshot

_HOMES = {
    "load": "loading",
    "LoadedModel": "models.loaded_model",
    "Capabilities": "models.loaded_model",
    "Token": "models.vocabulary",
    "record": "recording.record",
    "Recording": "recording.recording",
    "AttentionMap": "recording.attention",
    "rank_heads_between": "recording.pair_ranking",
    "Verification": "recording.recording",
    "Edit": "recording.edits.edit",
    "Lens": "analysis.layers.lens",
    "Contributions": "analysis.layers.contributions",
    "patch": "recording.layers.exchange",
    "Exchange": "analysis.layers.exchange",
    "generate": "generation.generate",
    "GenerationSettings": "generation.settings",
    "Target": "models.decoder_start",
    "Step": "generation.steps",
    "train": "training.run",
    "Run": "training.run",
    "Recipe": "training.recipe",
    "Snapshot": "training.snapshot",
    "train_classifier": "training.classifier",
    "Classifier": "training.classifier",
    "classify": "tasks.classify",
    "Classification": "tasks.classification",
    "answer": "tasks.answer",
    "Answer": "tasks.answer",
    "tag": "tasks.tag",
    "Tagging": "tasks.tag",
    "translate": "tasks.translate",
    "Translation": "tasks.translate",
    "summarise": "tasks.summarise",
    "Summary": "tasks.summarise",
    "how_good": "tasks.how_good",
    "Accuracy": "analysis.tasks.accuracy",
    "attribute": "tasks.attribute",
    "Attribution": "tasks.attribute",
    "finetune": "training.finetuning.finetuning",
    "Finetuning": "training.finetuning.finetuning",
}

__all__ = ["Cancelled", "PlaygroundError", "Settings", *_HOMES]


def __getattr__(name: str):
    if name in _HOMES:
        import_module("playground.models")  # imports transformers in one thread, before any other file asks for it
        return getattr(import_module(f"playground.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'playground' has no attribute {name!r}")
