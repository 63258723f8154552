"""A network written out in other languages: from its layers to plain arrays, from these to source text."""
