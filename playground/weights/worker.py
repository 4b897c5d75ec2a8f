"""The two long jobs, each run as a process of its own so that it can be stopped at any moment.

    python -P worker.py convert <file.gguf> <empty folder>
    python -P worker.py download <hub id> <commit> <file> ...

Each line on standard output is one JSON object: {"share": 0..1, "what": ...} while converting and {"precision":
..., "unread": ...} at its end, {"done": file, "folder": ...} after each downloaded file, {"error": class, "text": ...,
"remedy": ..., "errno": ..., "status": ...} on failure, with a remedy where the text is meant for visitors.
Ends by itself when its parent is gone. Started by its path.
"""

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from playground.weights.gguf_file import GgufFile


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def convert(gguf: str, target: str) -> None:
    """Turn a GGUF file into a folder of float32 safetensors, configuration and tokenizer."""
    say(share=0.0, what="starting")
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from playground.weights import gguf_file, gguf_rope

    file = gguf_file.read_gguf(Path(gguf))
    folder, name = os.path.split(os.path.abspath(gguf))
    say(share=0.1, what="reading the tokenizer")
    with _stage(file, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        gguf_file.set_text_split(file, tokenizer)
    tokenizer.save_pretrained(target)
    gguf_file.drop_foreign_tokens(file, Path(target))
    say(share=0.4, what="reading the configuration")
    with _stage(file, "configuration"):
        config = AutoConfig.from_pretrained(folder, gguf_file=name)
        gguf_rope.apply_rope(file, config)
    say(share=0.5, what="reading the weights")
    auto: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    with _stage(file, "weights"):
        model, report = auto.from_pretrained(
            folder, gguf_file=name, config=config, dtype=torch.float32, output_loading_info=True
        )
        _refuse_missing(name, report["missing_keys"])
        unread = gguf_file.unread(file, _weight_names(file, model))
    # The weights are float32 now, but save_pretrained refuses a model that still carries the marks of quantization.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    say(share=0.9, what="writing safetensors")
    model.save_pretrained(target, max_shard_size="100GB")
    mask = os.umask(0)
    for path in Path(target).glob("*.safetensors"):  # safetensors lets only the owner read; a cache may be shared
        path.chmod(0o666 & ~mask)
    say(precision=file.precision, unread=unread)


def _weight_names(file: "GgufFile", model: "PreTrainedModel") -> set[str]:
    """Names of the file's tensors that became weights of the model."""
    from transformers.integrations.gguf import GGUF_ARCHS
    from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor, get_gguf_hf_weights_map

    if file.architecture in GGUF_ARCHS:  # transformers reports a name that it does not know as unexpected, and fails
        return set(file.tensor_shapes)
    processor = TENSOR_PROCESSORS.get(file.architecture, TensorProcessor)(config=model.config.to_dict())
    experts = {name for name in file.tensor_shapes if "_exps" in name}  # stacked into other names
    return experts | get_gguf_hf_weights_map(model, processor).keys()


def _refuse_missing(name: str, keys: Collection[str]) -> None:
    from playground.errors import PlaygroundError

    if keys:
        raise PlaygroundError(
            f"{name} lacks {len(keys)} of the model's weights, {min(keys)} among them; they would be random.",
            "Choose a file that is whole.",
        )


@contextmanager
def _stage(file: "GgufFile", what: str) -> Iterator[None]:
    """Turns what the libraries raise while they read a part of the file into a PlaygroundError that names it."""
    from playground.errors import PlaygroundError

    try:
        yield
    except (PlaygroundError, OSError, MemoryError):
        raise
    except Exception as error:
        traceback.print_exc()
        cause, text = f"transformers can't read its {what} (architecture {file.architecture})", str(error)
        if "not supported" in text and "architecture" in text:
            cause = f"transformers reads no GGUF of the architecture {file.architecture}, but of {_architectures()}"
        elif "not supported" in text and "ggml type" in text:
            cause = f"of its number formats ({', '.join(file.precision)}) transformers can't read all"
        raise PlaygroundError(
            f"{file.name} can't be converted: {cause}.", "Choose another file, or the model's safetensors."
        ) from error


def _architectures() -> str:
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING
    from transformers.integrations.gguf import GGUF_ARCHS, GGUF_CONFIG_ARCHS

    names = {*GGUF_CONFIG_MAPPING, *GGUF_CONFIG_ARCHS, *GGUF_ARCHS} - {"general", "tokenizer"}
    return ", ".join(sorted(names))


def download(hub_id: str, commit: str, *files: str) -> None:
    """Download files of one commit into the hub's own cache, one after another."""
    from huggingface_hub import constants, hf_hub_download

    constants.DOWNLOAD_CHUNK_SIZE = 1024**2  # the size of the growing file is the progress
    for name in files:
        path = hf_hub_download(hub_id, name, revision=commit)
        say(done=name, folder=str(Path(path).parents[name.count("/")]))


def _limit_memory() -> None:
    """Takes no more memory than PLAYGROUND_WORKER_MEMORY says, where the system can hold a process to it."""
    if sys.platform == "linux" and (most := os.environ.get("PLAYGROUND_WORKER_MEMORY")):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (int(most), int(most)))


def _stop(*_: object) -> None:
    raise KeyboardInterrupt  # lets huggingface_hub remove its half-downloaded file


def _end_with_parent() -> None:
    while os.read(0, 1):  # returns nothing once the parent has closed its end or died
        pass
    os._exit(1)


JOBS: dict[str, Callable[..., None]] = {"convert": convert, "download": download}


def main(arguments: list[str]) -> int:
    """Runs one job; returns the exit status."""
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_memory()
    try:
        JOBS[arguments[0]](*arguments[1:])
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        text, remedy = getattr(error, "message", None) or str(error), getattr(error, "remedy", None)
        errno = getattr(error, "errno", None)
        say(error=type(error).__name__, text=text[:500], remedy=remedy, errno=errno, status=status)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
