"""What is measured of a model while it learns. Tensors and arrays in, small results out."""
