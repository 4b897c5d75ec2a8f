"""Experiments that go out as addresses and come back, and addresses that strangers wrote."""

import dataclasses
import random
import string
import zlib

import pytest

from playground.links import packing
from playground.links.address import MOST_CHARACTERS, MOST_KEYS, address_of, read_address
from playground.links.experiment import CHOICE, FREE, MANY, NUMBER, SWITCH, TEXT, Control, Experiment
from playground.recording.edits.edit import Edit

CONTROLS = (
    Control("generate.temperature", NUMBER, 0.7, 0, 2),
    Control("generate.seed", NUMBER, 0, 0, None, whole=True),
    Control("generate.greedy", SWITCH, False),
    Control("attention.attention-show", CHOICE, "this head", choices=("this head", "mean of heads", "q·k")),
    Control("attention.attention-others", MANY, []),
    Control("layers.lens-follow", TEXT, "", longest=100),
    Control("attention.through-token", FREE, None),
)
WORDS = ("the", " cat", " 中", "文", "🙂", "&", "=", "#", "%", "+", "\n", " \u202e", "<b>", '"', "é", ";", "?", "${x}")


def random_edit(pick: random.Random) -> Edit:
    layer, numbers = pick.randrange(40), tuple(pick.sample(range(200), pick.randint(1, 4)))
    return pick.choice(
        [
            Edit("head", layer, numbers, how="mean", kind=pick.choice(["", "cross", "encoder"])),
            Edit("mlp", layer, positions=numbers, strength=pick.uniform(-2, 2)),
            Edit("neuron", layer, numbers),
            Edit("arrow", layer, (), numbers, keys=(3,)),
            Edit("head", layer, (1,), positions=numbers, how="text", text=(5, 7, 11), sources=numbers),
            Edit("state", -1, how="add", direction=tuple(pick.uniform(-1, 1) for _ in range(4)), strength=0.25),
        ]
    )


def random_experiment(pick: random.Random, tokens: int = 32) -> Experiment:
    chosen = {
        "generate.temperature": pick.choice([0, 1, 1.35]),
        "generate.seed": pick.choice([7, 2**40, None]),
        "generate.greedy": True,
        "attention.attention-show": pick.choice(["mean of heads", "q·k"]),
        "attention.attention-others": pick.choice([[1], [0, 5, 8]]),
        "layers.lens-follow": "".join(pick.choices(WORDS, k=4)),
        "attention.through-token": pick.choice([0, 31, "eng_Latn"]),
    }
    head = pick.random() < 0.5
    return Experiment(
        model=pick.choice(["gpt2", "owner/name-1.5b", "/a folder/模型 & co"]),
        weights="".join(pick.choices("0123456789abcdef", k=8)),
        precision=pick.choice(["auto", "int8"]),
        text="".join(pick.choices(WORDS, k=tokens)),
        language=pick.choice(["", "zho_Hans"]),
        edits=tuple(random_edit(pick) for _ in range(pick.randrange(3))),
        tab=pick.choice(["attention", "layers"]),
        view=pick.choice(["", "heads"]),
        layer=pick.randrange(30) if head else None,
        head=pick.randrange(9) if head else None,
        kind=pick.choice(["self", "cross"]),
        token=pick.choice([None, 0, 31]),
        theme=pick.choice(["", "dark"]),
        check=f"t{pick.randrange(50_000)}:{pick.random():.6f}",
        controls={key: chosen[key] for key in pick.sample(sorted(chosen), pick.randrange(len(chosen)))},
    )


@pytest.mark.parametrize("seed", range(100))
def test_a_state_goes_out_and_comes_back(seed):
    """Guards every field and kind of control: a value that changes on the way, or a link too long for a message."""
    experiment = random_experiment(random.Random(seed))
    address = address_of(experiment, CONTROLS)
    assert read_address(address, CONTROLS) == (experiment, (), (), "")
    assert len(address) <= 2000, f"{len(address)} characters"
    assert set(address) <= set(string.ascii_letters + string.digits + "=&+%._~:/,-"), (
        "a character that chats cut links at"
    )


def test_only_what_differs_is_written():
    """Guards against addresses that name everything, and fixes the keys: links that were sent must open for ever."""
    assert address_of(Experiment(), CONTROLS) == ""
    edit = Edit("head", 3, (5, 6))
    experiment = Experiment(
        "gpt2", "248dfc39", text="Hi there", tab="attention", view="heads", layer=5, head=1, edits=(edit,)
    )
    experiment = dataclasses.replace(experiment, controls={"generate.temperature": 0, "generate.greedy": False})
    assert address_of(experiment, CONTROLS) == (
        "v=1&model=gpt2&weights=248dfc39&text=Hi+there&edit.0.part=head&edit.0.layer=3&edit.0.which=5,6"
        "&tab=attention&view=heads&layer=5&head=1&generate.temperature=0"
    )


def test_a_long_text_is_deflated():
    """Guards long texts: 3,000 words of English as they stand would be four times as long."""
    text = "The quick brown fox jumps over the lazy dog, and the cat looks on. " * 250
    address = address_of(Experiment(text=text))
    assert address.startswith("v=1&text.z=") and len(address) < len(text) / 20
    assert read_address(address).experiment.text == text


@pytest.mark.parametrize("direction", [(0.5, -1.25, 3.0), (0.1, 1e-300, -2.0)])
def test_a_direction_keeps_every_bit(direction):
    """Guards the direction of a push: float32 where that is all of it, else float64."""
    experiment = Experiment(edits=(Edit("state", 3, how="add", direction=direction),))
    assert read_address(address_of(experiment)).experiment == experiment


HOSTILE = {
    "unknown": ("v=1&<img src=x>=1&__proto__=2", ("<img src", "__proto__"), Experiment()),
    "twice": ("v=1&tab=layers&tab=xray", ("tab",), Experiment(tab="layers")),
    "no number": ("v=1&layer=NaN&head=1e3", ("layer", "head"), Experiment()),
    "half a head": ("v=1&layer=3", ("layer",), Experiment()),
    "a script as a name": ("v=1&tab=x'onerror%3Dalert(1)", ("tab",), Experiment()),
    "control characters": ("v=1&model=a%00b%1b", ("model",), Experiment()),
    "a theme": ("v=1&theme=url(x)", ("theme",), Experiment()),
    "no choice": ("v=1&attention.attention-show=all", ("attention.attention-show",), Experiment()),
    "not finite": ("v=1&generate.temperature=inf&generate.seed=nan", ("generate.temperature", "generate.seed"), None),
    "a half": ("v=1&generate.seed=0.5", ("generate.seed",), Experiment()),
    "a long text in a control": (f"v=1&layers.lens-follow={'x' * 101}", ("layers.lens-follow",), Experiment()),
    "nested lists": (f"v=1&attention.attention-others={'[' * 900}", ("attention.attention-others",), Experiment()),
    "a list of lists": ("v=1&attention.attention-others=[1,{}]", ("attention.attention-others",), Experiment()),
    "an edit of nothing": ("v=1&edit.0.part=head", ("edit.0",), Experiment()),
    "an edit out of this world": ("v=1&edit.0.part=head&edit.0.layer=-7", ("edit.0",), Experiment()),
    "an edit with a strange field": ("v=1&edit.1.part=mlp&edit.1.layer=1&edit.1.exec=x", ("edit.1",), Experiment()),
    "an edit that never ends": ("v=1&edit.0.part=mlp&edit.0.layer=1&edit.0.strength=1e999", ("edit.0",), Experiment()),
    "a damaged direction": ("v=1&edit.0.part=state&edit.0.layer=1&edit.0.direction=fAAA", ("edit.0",), Experiment()),
    "a damaged text": ("v=1&text.z=%00%00", ("text.z",), Experiment()),
    "another damaged text": ("v=1&text.z=AAAAAAAA", ("text.z",), Experiment()),
    "no UTF-8": (f"v=1&text.z={packing.pack(bytes([255, 254]))}", ("text.z",), Experiment()),
    "a long text": (f"v=1&text.z={packing.pack(b'x' * 200_001)}", ("text.z",), Experiment()),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_value_is_named_and_left(name):
    """Guards against links that strangers write: no exception, and no value that a control could not have."""
    address, ignored, experiment = HOSTILE[name]
    read = read_address(address, CONTROLS)
    assert all(any(key.startswith(one) for key in read.ignored) for one in ignored), read.ignored
    assert len(read.ignored) == len(ignored)
    assert experiment is None or read.experiment == experiment


def test_numbers_are_moved_into_their_range():
    """Guards sliders, which must not stand beyond their ends."""
    read = read_address("v=1&generate.temperature=99&generate.seed=-4&layer=-1&head=999999999", CONTROLS)
    assert read.experiment.controls == {"generate.temperature": 2}
    assert (read.experiment.layer, read.experiment.head) == (0, 100_000)
    assert set(read.clamped) == {"generate.temperature", "generate.seed", "layer", "head"} and not read.ignored


def test_reading_is_bounded():
    """Guards against a bomb: a few kilobytes that unpack to gigabytes, an endless address, a million keys."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(40)) + deflate.flush()
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        packing.unpack(packing.encode(bomb), 1000)
    assert read_address(f"v=1&text.z={packing.encode(bomb)}").ignored == ("text.z",)
    assert "characters" in read_address("v=1&text=" + "x" * MOST_CHARACTERS).problem
    assert "keys" in read_address("&".join(f"a{n}=" for n in range(MOST_KEYS + 1))).problem
    assert read_address("&".join(f"edit.{n}.part=mlp&edit.{n}.layer=1" for n in range(200))).ignored


def test_another_version_is_said():
    """Guards links of later pages: what this one knows is read, and the visitor learns that there may be more."""
    read = read_address("v=2&tab=layers")
    assert read.experiment == Experiment(tab="layers") and "version" in read.problem
    assert read_address("section-3").ignored == ("section-3",)
