"""A link is an experiment: what a page shows, as the keys of an address and back. Builds no page and runs no model."""
