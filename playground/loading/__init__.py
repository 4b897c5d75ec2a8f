"""From a model's id to a LoadedModel: locate, fetch, build, attach the recorder, probe. Knows nothing of the page.

loader.py goes through the steps: memory.py (does it fit), building.py (the objects of transformers), preparation.py (what
the model can show).
"""

from playground.loading.loader import load
from playground.loading.memory import check_memory, parameter_counts
from playground.loading.preparation import prepare

__all__ = ["check_memory", "load", "parameter_counts", "prepare"]
