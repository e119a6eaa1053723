"""Questions that are put to many seeds: each a `Study`, by the name of its table in ``results/``.

* `first`: do the experiments work, and how often? (chapters 3, 6, 7 and 8)
* `composers`: is the network any good, and would something simpler do? (chapter 10)
* `older`: what do Todd's network and CONCERT know? (chapter 15)
* `learning`: what does learning the chords depend on? (chapter 11)
* `crossed`: is it the cell, the rule or the optimiser? (chapter 11)
* `improvising`: what does the melody depend on? (chapter 11)
* `controls`: which part of an explanation decides? (chapters 3, 7 and 11)
* `tasks`: does the machine learn what LSTM was first known for? (chapter 12)
* `finer`: what do finer steps and marked ends of notes cost? (chapter 13)
* `kalman`: what is a Kalman filter worth, and what does it cost? (chapter 16)
* `corpora`: how well does it predict real music? (chapter 17)
* `beats`: who finds the beat of a performance, and how much noise does the network stand?
  (chapter 18)

`study` runs them.
"""

from . import (
    beats,
    composers,
    controls,
    corpora,
    crossed,
    finer,
    first,
    improvising,
    kalman,
    learning,
    older,
    tasks,
)

STUDIES = {
    **first.STUDIES,
    **composers.STUDIES,
    **older.STUDIES,
    **learning.STUDIES,
    **crossed.STUDIES,
    **improvising.STUDIES,
    **controls.STUDIES,
    **tasks.STUDIES,
    **finer.STUDIES,
    **kalman.STUDIES,
    **beats.STUDIES,
    **corpora.STUDIES,
}
"""All studies by name."""
