"""What the network of memory blocks is compared with: other learners of the same music.

* `random_walk`: over the scale (chapters 8 and 10);
* `simple_rnn`: a plain recurrent network, by BPTT and by RTRL (chapters 3 and 11);
* `lstm_bptt`: the network of memory blocks itself, by full BPTT (chapter 11);
* `transition_table`: the next note from the last few (chapters 8 and 10).

`layers` and `rehearsal` are what these trainings are made of.
"""
