"""Fine-tuning: a loaded model goes on learning on lines of one's own, through a small adapter (LoRA); the model itself
stays as it is.

recipe.py (what is chosen), checks.py (what is refused), lines.py (what is learned from), adapter.py (what is trained),
finetuning.py (the loop).
"""
