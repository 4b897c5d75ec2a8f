"""Pictures of a model in training."""
