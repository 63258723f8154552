"""Differential equations: stated, solved by networks on the KAN's kernels, compared with references."""
