"""What the network of memory blocks is compared with: other learners of the same music.

* `random_walk`: over the scale (chapters 8 and 10);
* `simple_rnn`: a plain recurrent network, by BPTT and by RTRL (chapter 3);
* `transition_table`: the next note from the last few (chapters 8 and 10).
"""
