"""Whom the network of memory blocks is compared with. Knows `music` to `judging`.

* `feed_forward`: a network without a memory, which sees the last few steps (chapter 10);
* `random_walk`: over the scale (chapters 8 and 10);
* `simple_rnn`, `simple_rnn_compiled`: a plain recurrent network, by BPTT and by RTRL, to be read
  and to be run (chapters 3, 10 and 11);
* `lstm_bptt`: the network of memory blocks itself, by full BPTT (chapter 11);
* `transition_table`: the next step from the last few (chapters 8 and 10);
* `todd`: a network that reads a plan and a fading trace of what it played (chapter 15);
* `concert`, `codes`, `events`: one step a note, in codes that place it among others (chapter 15);
* `note_table`: the next note from the last few (chapter 15);
* `storing`: those that come with the package; `layers`, `rehearsal`: what trainings are made of.
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    (
        *("feed_forward", "random_walk", "simple_rnn", "lstm_bptt", "transition_table"),
        *("todd", "concert", "codes", "events", "note_table"),
        *("simple_rnn_compiled", "storing", "layers", "rehearsal"),
    ),
    dict.fromkeys(("load", "save", "stored"), "storing"),
)
