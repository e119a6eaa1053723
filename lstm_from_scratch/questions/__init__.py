"""Questions that are put to many seeds: each a `Study`, by the name of its table in ``results/``.

* `first`: do the experiments work, and how often? (chapters 3, 6, 7 and 8)

`study` runs them.
"""

from . import first

STUDIES = {**first.STUDIES}
"""All studies by name."""
