"""Train the networks that come with the package and store them in it.

    python tools/train_stored.py [NAME ...]

Each from its recommended recipe, seed 0. The same seed gives the same file content on every
machine, apart from the seconds it took. Then the networks that chapter 10 compares with, the
players of chapter 17, who learned the tunes that come with the package, and that
of the chorales, which is made only if it is named: it needs the corpus, and is the same on another
machine only but for rounding.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstm_from_scratch import commands, playing, rivals
from lstm_from_scratch.machine import fitting, training
from lstm_from_scratch.machine.network import Network
from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing import chorales, composing, corpora
from lstm_from_scratch.studies import experiments
from lstm_from_scratch.studies.questions import composers
from lstm_from_scratch.studies.questions import corpora as questions

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


def of_corpus(name: str) -> chorales.Learned:
    """A network as in the study of a corpus, of a seed that is none of the study's.

    It learns for 42 epochs and no longer. Validation, which still fell, was best after the last.
    """
    plan = replace(questions.PLANS[name], seed=10_000, epochs=42)
    sets = questions.parts(name, 1)
    return to_keep(name, questions.reached(plan, "bptt", sets, plan.epochs).network)


def to_keep(name: str, network: Network) -> chorales.Learned:
    """A network that has learned a corpus, small enough to come along.

    Weights are rounded to half precision; those of keys that no piece of the training set has, of
    which nothing was learned, are set to 0.
    """
    sets = questions.parts(name, 1)
    heard = np.any([episode.inputs.any(axis=0) for episode in sets[0]], axis=0)
    hidden, output = network.hidden.copy(), network.output.copy()
    hidden[:, : len(heard)][:, ~heard] = output[:, : len(heard)][:, ~heard] = 0.0
    kept = chorales.halved(Network(network.topology, hidden, output))
    return chorales.Learned(
        kept,
        name,
        corpora.read(corpora.find(name)).digest,
        round(fitting.nats(kept, sets[2]), 4),
        f"python tools/train_stored.py {name}",
    )


CORPORA = ("jsb_chorales",)
NETWORKS = {function.__name__: function for function in (experiment_1, experiment_2)}
PLAYERS = {"by-heart": "by heart", "variations": "variations", "folder": "bars"}
"""What each player learned from; that of the folder heard the bars of all three tunes."""
SEED = 9
"""Of the players: of the seeds from 1 to 12 the one that learned the chords soonest."""

COMPARED = ("feed-forward-1", "feed-forward-16", "feed-forward-17", "simple-network")


def main(arguments: list[str] | None = None) -> int:
    """Train and store."""
    parser = argparse.ArgumentParser(description="Train and store the networks of the package.")
    by_themselves = (*NETWORKS, *COMPARED, *PLAYERS)
    known = (*by_themselves, *CORPORA)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(known):
        parser.error(f"no network {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    for name in names or by_themselves:
        if name in PLAYERS:
            from_here = "" if name == "folder" else "last_bus.musicxml"
            player = playing.learn(tunes.EXAMPLES / from_here, melody=PLAYERS[name], seed=SEED)
            player.save(PACKAGE / "playing" / "trained" / f"{name}.npz")
            continue
        wing = "rivals" if name in COMPARED else "playing" if name in CORPORA else "machine"
        folder = PACKAGE / wing / "trained"
        folder.mkdir(exist_ok=True)
        if name in CORPORA:
            learned = of_corpus(name)
            chorales.save(learned, folder / f"{name}.npz")
            print(f"{name}: {learned.test} nats a frame of the test set")
            continue
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
