"""What can be done with a model."""

from playground.generation import modes


def test_modes_follow_the_model(smollm2, minilm, tiny):
    """Guards against a mode offered that the model can't serve."""
    assert modes.modes_of(smollm2) == ["complete", "chat", "score"]
    assert modes.modes_of(tiny("gpt2")) == ["complete", "score"]
    assert modes.modes_of(tiny("t5")) == ["translate"]
    assert modes.modes_of(tiny("bert")) == ["fill"]
    assert modes.modes_of(minilm) == []
    for model in (smollm2, minilm, tiny("t5"), tiny("bert")):
        off = modes.off_words(model)
        assert all((words in off) == (name not in modes.modes_of(model)) for name, words in modes.VERBS.items())
