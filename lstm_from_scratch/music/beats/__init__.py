"""Where the beat is in a rhythm that was performed: late and early, faster and slower, with gaps.

Onsets go in, in seconds; beats come out. It knows nothing of networks, so it stands with the music.

* `rhythms`: 35 rhythms of the literature, where listeners hear their beats, and noise (chapter 18);
* `oscillator`: a relaxation oscillator that onsets push (chapter 18);
* `finding`: beats by oscillators, and by simpler means (chapter 18);
* `path`: beats by a search over the whole performance, which the quantiser uses (chapter 18).
"""

from ...lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("rhythms", "oscillator", "finding", "path"),
    {
        "RHYTHMS": "rhythms",
        "perform": "rhythms",
        "play": "rhythms",
        "by_oscillator": "finding",
        "by_bank": "finding",
        "by_path": "path",
        "agree": "finding",
    },
)
