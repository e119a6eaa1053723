"""Both experiments, put to many seeds. Knows `music` to `rivals`; begin with `experiments`.

* `experiments`: from a seed to a row of a table (chapters 7 and 8);
* `questions`: what is asked of many seeds (chapters 10 and 11);
* `study`: runs them, resumably; ``python -m lstm_from_scratch.study`` (chapter 11);
* `tables`, `parallel`, `checking`: its files, its helpers, do stored results hold (chapter 11).
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("experiments", "questions", "study", "tables", "parallel", "checking"),
    {
        "Study": "experiments",
        "choruses": "experiments",
        "judge": "experiments",
        "rolls": "experiments",
        "STUDIES": "questions",
        "run": "study",
        "column": "tables",
        "read": "tables",
    },
)
