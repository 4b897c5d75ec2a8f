"""Pictures of a class: its answers counted."""
