"""A randomised soak of the wire: people and networks that do anything in any order, and every word is accounted for.

`python -m tests.soak --schedules 50000` runs many, `--seed N` runs one again and says what happened in it.
"""
