"""The inner loops: each a NumPy reference and a CUDA kernel of the same name."""
