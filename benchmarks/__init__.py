"""Measured ratios: `make bench`. Floors and peers run in the same run, in turn with what they are compared to."""
