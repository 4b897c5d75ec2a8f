"""Jobs that models do: classify a text, answer from a passage, tag words; and why an answer came out as it did.

With the head of a checkpoint that was trained for the task, or with a language model's own words. Knows nothing of the page.
"""
