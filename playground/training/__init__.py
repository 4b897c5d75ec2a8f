"""Training: a small transformer learns a task from nothing, step by step, and is then a model like any other.

recipe.py (what is trained, and how), tasks/ (what is learned), building.py (the model), optimising.py (its steps), run.py
(the loop), export.py (the trained model as a folder and as a LoadedModel), shared_runs.py (the runs of one server). Knows no
page.
"""
