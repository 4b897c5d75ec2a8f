"""The plain transformers script that writes the same words as Translate, Summarise or a chat's answer: "Show Python"."""

from playground.models.decoder_start import decoder_start
from playground.models.loaded_model import LoadedModel
from playground.recording.script_reading import checkpoint_of
from playground.tasks.few_shot import few_shot_prompt
from playground.tasks.summarise import PASSAGE, Summary
from playground.tasks.translate import Translation
from playground.tasks.writing import Asking
from playground.tasks.written_answer import MAX_NEW_TOKENS, prompt_of

_HEAD = """from transformers import {auto}, AutoTokenizer

name, revision = {name!r}, {revision!r}{note}
tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
model = {auto}.from_pretrained(name, revision=revision, dtype="{dtype}").eval()
"""
_DECODE = "    print(tokenizer.decode({ids}, skip_special_tokens=True).strip())\n"


def translation_script(model: LoadedModel, result: Translation) -> str:
    """Python that prints the text of each window of a translation, a line each."""
    if result.way == "trained":
        return _encoder_decoder_script(model, result.asking, [(p.words, p.most) for p in result.parts], result.beams)
    prompts = [(few_shot_prompt(result.template, part.words), part.most) for part in result.parts]
    return (
        _head(model, "AutoModelForCausalLM")
        + _texts("prompts", prompts)
        + 'for prompt, most in prompts:\n    inputs = tokenizer(prompt, return_tensors="pt")\n'
        + "    ids = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=most,\n"
        + '                         stop_strings=["\\n"], tokenizer=tokenizer)\n'
        + '    new = tokenizer.decode(ids[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)\n'
        + '    print(new.strip().partition("\\n")[0].strip())\n'
    )


def summary_script(model: LoadedModel, result: Summary) -> str:
    """Python that prints the summary of each window, one behind the other."""
    if result.way == "trained":
        language = model.languages.target if model.languages else ""
        asking, parts = Asking(result.ask, target_language=language), [(p.words, p.most) for p in result.parts]
        return _encoder_decoder_script(model, asking, parts, result.beams)
    return _chat_script(model, [(result.ask.replace(PASSAGE, part.words), part.most) for part in result.parts])


def chat_answer_script(model: LoadedModel, question: str, passage: str) -> str:
    """Python that prints what a chat answers."""
    return _chat_script(model, [(prompt_of(question, passage), MAX_NEW_TOKENS)])


def _chat_script(model: LoadedModel, prompts: list[tuple[str, int]]) -> str:
    return (
        _head(model, "AutoModelForCausalLM")
        + _texts("prompts", prompts)
        + 'for prompt, most in prompts:\n    messages = [{"role": "user", "content": prompt}]\n'
        + "    inputs = tokenizer.apply_chat_template(\n"
        + '        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)\n'
        + "    ids = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=most)\n"
        + _DECODE.format(ids='ids[0, inputs["input_ids"].shape[1]:]')
    )


def _encoder_decoder_script(model: LoadedModel, asking: Asking, parts: list[tuple[str, int]], beams: int) -> str:
    options, languages, code = "", model.languages, asking.target_language
    if languages is not None and code:
        name = "decoder_start_token_id" if languages.replaces_start else "forced_bos_token_id"
        options = f",\n                         {name}={languages.token_id(code)}"
        if not languages.replaces_start:  # the language's token counts as a new one
            parts = [(words, most + 1) for words, most in parts]
    source = f"tokenizer.src_lang = {asking.source_language!r}\n" if asking.source_language else ""
    comment = f"  # {code!r}" if options else ""
    return (
        _head(model, "AutoModelForSeq2SeqLM")
        + source
        + _texts("parts", [(asking.prefix + words, most) for words, most in parts])
        + 'for text, most in parts:\n    inputs = tokenizer(text, return_tensors="pt")\n'
        + f"    ids = model.generate(**inputs, do_sample=False, num_beams={beams}, max_new_tokens=most{options}){comment}\n"
        + _DECODE.format(ids=f"ids[0, {len(decoder_start(model, code))}:]")
    )


def _head(model: LoadedModel, auto: str) -> str:
    checkpoint = checkpoint_of(model)
    note = f"  # {checkpoint.note}" if checkpoint.note else ""
    return _HEAD.format(
        auto=auto, name=checkpoint.name, revision=checkpoint.revision, note=note, dtype=checkpoint.dtype
    )


def _texts(name: str, parts: list[tuple[str, int]]) -> str:
    """A list of the texts, each with the most tokens to write for it; as Python spells them, so that none is code."""
    lines = "".join(f"    ({words!r}, {most}),\n" for words, most in parts)
    return f"{name} = [  # text, most new tokens\n{lines}]\n"
