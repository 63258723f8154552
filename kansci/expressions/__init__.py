"""One-variable functions and formula text: reading, the library of primitives, evaluation by torch."""
