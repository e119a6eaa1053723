"""What the network of memory blocks is compared with: other learners of the same music.

* `simple_rnn`: a plain recurrent network, by BPTT and by RTRL (chapter 3).
"""
