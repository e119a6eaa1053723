"""The command ``python -m lstm_from_scratch.study``: see `studies.study`. Chapter 11."""

from . import commands
from .studies.study import main

if __name__ == "__main__":
    commands.run(main)
