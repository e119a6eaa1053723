"""Train the networks that come with the package and store them in it.

    python tools/train_stored.py

Experiment 1: the recommended recipe, seed 0. The same seed gives the same file content on every
machine, apart from the seconds it took.
"""

from pathlib import Path

from lstm_from_scratch import composing, training
from lstm_from_scratch.blues import TWELVE_BAR
from lstm_from_scratch.encoding import CHORDS_ONLY

FOLDER = Path(__file__).parent.parent / "lstm_from_scratch" / "trained"


def main() -> None:
    """Train and store."""
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    recipe = training.RECOMMENDED
    result = training.train(recipe, roll, composing.keeps_form(roll, recipe.choruses))
    if not result.learned:
        raise SystemExit(f"seed {recipe.seed} did not learn; choose another")
    FOLDER.mkdir(exist_ok=True)
    training.save(result, FOLDER / "experiment_1.npz")
    print(f"experiment_1: {result.steps:,} steps")


if __name__ == "__main__":
    main()
