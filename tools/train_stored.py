"""Train the networks that come with the package and store them in it.

    python tools/train_stored.py [NAME ...]

Each from its recommended recipe, seed 0, or that of its study. The same seed gives the same file
content on every machine, apart from the seconds it took. Then the networks that chapters 10 and 15
compare with, the players of chapter 17, who learned the tunes that come with the package, and that
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
from lstm_from_scratch.music.blues import FORMS, TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing import chorales, composing, corpora
from lstm_from_scratch.studies import experiments
from lstm_from_scratch.studies.questions import composers, finer, older
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


def thirty_seconds() -> training.Result:
    """The chords in thirty-seconds, from a seed of the study of finer time."""
    roll = CHORDS_ONLY.form_roll(FORMS["our blues in thirty-seconds"])
    recipe = replace(finer.finer_recipe(), seed=FINER_SEEDS["thirty_seconds"])
    return training.train(recipe, roll, composing.keeps_form(roll, recipe.choruses))


def note_ends() -> training.Result:
    """Chords and melody whose notes end, from a seed of the study of note ends."""
    return finer.train_marked("ends", FINER_SEEDS["note_ends"])[0]


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
NETWORKS = {
    function.__name__: function
    for function in (experiment_1, experiment_2, thirty_seconds, note_ends)
}
FINER_SEEDS = {"thirty_seconds": 1_301, "note_ends": 1_300}
"""Of the networks of chapter 13, which are rows of its studies too."""
PLAYERS = {"by-heart": "by heart", "variations": "variations", "folder": "bars"}
"""What each player learned from; that of the folder heard the bars of all three tunes."""
SEED = 9
"""Of the players: of the seeds from 1 to 12 the one that learned the chords soonest."""

COMPARED = ("feed-forward-1", "feed-forward-16", "feed-forward-17", "simple-network", "todd")


def store_experiment(name: str) -> str:
    """Train and store a network of the experiments; say what it took."""
    result = NETWORKS[name]()
    if not result.learned:
        raise SystemExit(f"seed {result.recipe.seed} did not learn; choose another")
    training.save(result, folder("machine") / f"{name}.npz")
    return f"{result.steps:,} steps"


def store_compared(name: str) -> str:
    """Train and store a network that chapter 10 or 15 compares with; say how large it is."""
    network = (older if name in older.OLDER else composers).make(name, 0)
    rivals.save(network, folder("rivals") / f"{name}.npz")
    return f"{network.weights:,} weights"


def store_player(name: str) -> str:
    """Train and store a player of chapter 17; say what it took."""
    lesson = tunes.EXAMPLES / ("" if name == "folder" else "last_bus.musicxml")
    player = playing.learn(lesson, melody=PLAYERS[name], seed=SEED)
    player.save(folder("playing") / f"{name}.npz")
    return f"{player.result.steps:,} steps"


def store_corpus(name: str) -> str:
    """Train and store a network of a corpus; say how well it predicts."""
    learned = of_corpus(name)
    chorales.save(learned, folder("playing", "corpora") / f"{name}.npz")
    return f"{learned.test} nats a frame of the test set"


def folder(wing: str, *within: str) -> Path:
    """Where the stored networks of a wing are."""
    found = PACKAGE.joinpath(wing, "trained", *within)
    found.mkdir(parents=True, exist_ok=True)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Train and store."""
    by_themselves = {
        **dict.fromkeys(NETWORKS, store_experiment),
        **dict.fromkeys(COMPARED, store_compared),
        **dict.fromkeys(PLAYERS, store_player),
    }
    known = by_themselves | dict.fromkeys(CORPORA, store_corpus)
    parser = argparse.ArgumentParser(description="Train and store the networks of the package.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(known):
        parser.error(f"no network {', '.join(sorted(unknown))}: there are {', '.join(known)}")
    for name in names or by_themselves:
        print(f"{name}: {known[name](name)}")
    return 0


if __name__ == "__main__":
    commands.run(main)
