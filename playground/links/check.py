"""What a link keeps of the numbers, so that another machine can say how far its own are apart."""

import hashlib
import re
from typing import TYPE_CHECKING

from playground.texts import links as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

DIGITS = 6
"""After the point."""
_FORM = re.compile(r"(t\d{1,9}|s):(\d{1,12}\.\d{6})")
_SAMPLED = 16
"""Numbers of each tensor in the hash of weights that come from no file."""


def weights_mark(model: "LoadedModel") -> str:
    """Eight hexadecimal digits: of the SHA-256 of the weight file; of a model made by hand, of a sample of its numbers."""
    if model.provenance.sha256:
        return model.provenance.sha256[:8]
    return model.fact("weights mark", lambda: _of_numbers(model))


def _of_numbers(model: "LoadedModel") -> str:
    digest = hashlib.sha256()
    for name, tensor in model.model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().reshape(-1)
        digest.update(flat[:: max(1, len(flat) // _SAMPLED)][:_SAMPLED].double().cpu().numpy().tobytes())
    return digest.hexdigest()[:8]


def check_of(recording: "Recording") -> str:
    """ "t253:0.381234": the most probable token after the last one, by its id, and its probability; of a model that gives
    none, "s:14.021377": the length of the last token's last state."""
    if recording.model.capabilities.logits:
        probabilities = recording.last_logits.double().softmax(-1)
        best = int(probabilities.argmax())
        return f"t{best}:{float(probabilities[best]):.{DIGITS}f}"
    return f"s:{float(recording.hidden_states[-1, -1].double().norm()):.{DIGITS}f}"


def difference(recording: "Recording", check: str) -> tuple[bool, str]:
    """Whether the numbers are those of a link's `check`, and a sentence that says so, or by how much they differ. The
    sentence is empty for a check that can't be compared with this model's."""
    there, here = _FORM.fullmatch(check), _FORM.fullmatch(check_of(recording))
    if there is None or here is None or there[1][0] != here[1][0]:
        return False, ""
    if there[0] == here[0]:
        return True, texts.SAME_NUMBERS
    if recording.in_company:  # the last digit may be its company's
        return difference(recording.by_itself(), check)
    if here[1] == "s":
        return False, texts.OTHER_STATE.format(there=there[2], here=here[2])
    names = [recording.model.vocabulary.text(_existing(recording, int(one[1][1:]))) for one in (there, here)]
    if there[1] == here[1]:
        apart = abs(float(there[2]) - float(here[2]))
        return False, texts.OTHER_PROBABILITY.format(
            token=names[0], there=there[2], here=here[2], apart=f"{apart:.{DIGITS}f}"
        )
    return False, texts.OTHER_TOKEN.format(token=names[0], there=there[2], other=names[1], here=here[2])


def _existing(recording: "Recording", token: int) -> int:
    return min(token, recording.model.anatomy.vocabulary - 1)
