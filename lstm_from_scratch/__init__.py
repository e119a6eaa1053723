"""An LSTM built from nothing that learns a twelve-bar blues (Eck and Schmidhuber, 2002).

A stored network hears four choruses, is given one quarter note, and improvises::

    import numpy as np
    from lstm_from_scratch import machine, music, playing, studies

    network = machine.stored("experiment_2").network
    heard = playing.hear(network, np.concatenate(studies.rolls((77, 1234, 2002, 4095))))
    rng = np.random.default_rng(1)
    roll = playing.compose(network, music.chorus(1234), 2, choruses=4, rng=rng, state=heard)
    music.write_midi(music.CHORDS_AND_MELODY.decode(roll), "blues.mid")

The module is a house of seven wings, from the ground up. Each knows only those above it in this
list, and `music` and `machine` know nothing of each other:

    music     notes, chords, the form; vectors, MIDI files, sound, scores
    machine   memory blocks, their gradient, training; nothing of music
    playing   free run and improvisation, alone or with you
    judging   measures of what was played, what the cells do, statistics
    rivals    walks, tables and other networks to compare with
    studies   both experiments, many seeds, the tables that come of them
    showing   figures, the player, the source in a chapter

``help(lstm_from_scratch.music)`` and so on tell what is in a wing. On a command line there are
``python -m lstm_from_scratch compose`` and ``python -m lstm_from_scratch study``. The book explains
it all, chapter by chapter.
"""

from .lazily import hand_out

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = hand_out(
    __name__, ("music", "machine", "playing", "judging", "rivals", "studies", "showing")
)
