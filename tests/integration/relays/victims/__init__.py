"""Small programs that a relay test ends: each takes the same step twelve times, run as `python -m … KIND PORT`."""

STEPS = 12
