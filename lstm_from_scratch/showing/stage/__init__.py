"""The stage: a network that plays and learns in the page itself, with nothing but the page.

``engine.js`` is `machine` once more, in JavaScript: the same steps with the same bits, so that a
seed gives the same weights and the same music in a browser as in Python. ``sound.js`` plays notes
as they come, ``hands.js`` hears what a person plays. Three scenes are made of them:

* `plans`: a network, its weights and its recipe as the page gets them;
* `scenes`: *Endless blues*, which plays on and on, *Learn it now*, which learns the chords, and
  *Play with it*, in which you are a voice.

Chapters 6 and 8 explain what is seen there; chapter 9 pushes cells as one can do there by hand.
"""

from ...lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("plans", "scenes"),
    dict.fromkeys(("endless", "learn_it_now", "play_with_it"), "scenes"),
)
