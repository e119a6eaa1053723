"""Train the networks that come with the package and store them in it.

    python tools/train_stored.py [NAME ...]

Each from its recommended recipe, seed 0. The same seed gives the same file content on every
machine, apart from the seconds it took. Then the networks that chapter 10 compares with, and the
players of chapter 17, who learned the tunes that come with the package.
"""

import argparse
from pathlib import Path

from lstm_from_scratch import commands, playing, rivals
from lstm_from_scratch.machine import training
from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing import composing
from lstm_from_scratch.studies import experiments
from lstm_from_scratch.studies.questions import composers

PACKAGE = Path(__file__).parent.parent / "lstm_from_scratch"


def experiment_1() -> training.Result:
    """The chords."""
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    recipe = training.RECOMMENDED
    return training.train(recipe, roll, composing.keeps_form(roll, recipe.choruses))


def experiment_2() -> training.Result:
    """Chords and melody."""
    result, _ = experiments.train_2(training.RECOMMENDED_2)
    return result


NETWORKS = {function.__name__: function for function in (experiment_1, experiment_2)}
PLAYERS = {"by-heart": "by heart", "variations": "variations", "folder": "bars"}
"""What each player learned from; that of the folder heard the bars of all three tunes."""
SEED = 9
"""Of the players: of the seeds from 1 to 12 the one that learned the chords soonest."""

COMPARED = ("feed-forward-1", "feed-forward-16", "feed-forward-17", "simple-network")


def main(arguments: list[str] | None = None) -> int:
    """Train and store."""
    parser = argparse.ArgumentParser(description="Train and store the networks of the package.")
    known = (*NETWORKS, *COMPARED, *PLAYERS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(known):
        parser.error(f"no network {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    for name in names or known:
        if name in PLAYERS:
            from_here = "" if name == "folder" else "last_bus.musicxml"
            player = playing.learn(tunes.EXAMPLES / from_here, melody=PLAYERS[name], seed=SEED)
            player.save(PACKAGE / "playing" / "trained" / f"{name}.npz")
            continue
        folder = PACKAGE / ("rivals" if name in COMPARED else "machine") / "trained"
        folder.mkdir(exist_ok=True)
        if name in COMPARED:
            network = composers.make(name, 0)
            rivals.save(network, folder / f"{name}.npz")
            print(f"{name}: {network.weights:,} weights")
            continue
        result = NETWORKS[name]()
        if not result.learned:
            raise SystemExit(f"seed {result.recipe.seed} did not learn; choose another")
        training.save(result, folder / f"{name}.npz")
        print(f"{name}: {result.steps:,} steps")
    return 0


if __name__ == "__main__":
    commands.run(main)
