"""Expressions: reading, matching, refitting, recognising constants, simplifying, judging."""
