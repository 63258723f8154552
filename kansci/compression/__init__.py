"""Signals and networks as small files: transform, quantisation, context modelling, entropy coding."""
