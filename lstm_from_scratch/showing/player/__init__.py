"""The player: hear the music while a playhead moves over the roll, the gates and the cell states.

Without a script the picture and the sound are still there, as one SVG and an MP3. ``sound.js``
makes the sound of the notes once more, to the sample; ``player.js`` adds what moves, ``player.css``
what it looks like in light and dark.

* `performing`: what is heard and watched, and the page around it;
* `picture`: the roll, the gates and the cells; `bars`: where bars begin, what a step is called.

Chapter 1 (Twelve bars) listens with it, chapter 9 (Inside the cells) watches a network.
"""

from ...lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("performing", "picture", "bars"),
    {
        "Performance": "performing",
        "hear": "performing",
        "watch": "performing",
        "GATES": "picture",
        "Heading": "picture",
        "Keys": "picture",
        "Row": "picture",
        "Bars": "bars",
    },
)
