"""What the network of memory blocks is compared with: other learners of the same music.

* `feed_forward`: a network without a memory, which sees the last few steps (chapter 10);
* `random_walk`: over the scale (chapters 8 and 10);
* `simple_rnn`: a plain recurrent network, by BPTT and by RTRL (chapters 3 and 10);
* `transition_table`: the next step from the last few (chapters 8 and 10).
"""
