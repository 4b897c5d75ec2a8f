"""The two long jobs, each run as a process of its own so that it can be stopped at any moment.

    python -P worker.py convert <file.gguf> <empty folder>
    python -P worker.py download <hub id> <commit> <file> ...

Each line on standard output is one JSON object: {"share": 0..1, "what": ...} while converting, {"done": file,
"folder": ...} after each downloaded file, {"error": class, "text": ..., "errno": ..., "status": ...} on failure.
Ends by itself when its parent is gone. Started by its path; imports nothing of the playground.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def convert(gguf: str, target: str) -> None:
    """Turn a GGUF file into a folder of float32 safetensors, configuration and tokenizer."""
    say(share=0.0, what="starting")
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    folder, name = os.path.split(os.path.abspath(gguf))
    say(share=0.1, what="reading the tokenizer")
    AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(target)
    say(share=0.4, what="reading the configuration")
    config = AutoConfig.from_pretrained(folder, gguf_file=name)
    say(share=0.5, what="reading the weights")
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model = auto.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    # The weights are float32 now, but save_pretrained refuses a model that still carries the marks of quantization.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    say(share=0.9, what="writing safetensors")
    model.save_pretrained(target, max_shard_size="100GB")
    mask = os.umask(0)
    for path in Path(target).glob("*.safetensors"):  # safetensors lets only the owner read; a cache may be shared
        path.chmod(0o666 & ~mask)


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
        say(error=type(error).__name__, text=str(error)[:500], errno=getattr(error, "errno", None), status=status)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
