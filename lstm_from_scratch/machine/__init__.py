"""The network, its gradient and its training. Knows nothing of music; begin with `network`.

* `network`, `squashing`: memory blocks wired into voices, one step forward (chapter 4);
* `gradient`, `bptt`: the paper's learning rule, and the full gradient (chapter 5);
* `recipes`, `training`, `storing`: as data; online updates; files (chapter 6, appendix A);
* `episodes`: what is learned from, apart from music (chapter 6);
* `batches`, `fitting`: the full gradient of many episodes, training by epochs (chapter 17);
* `tasks`: what LSTM was first known for (chapter 12);
* `kalman`: weights that are measured; `kalman_compiled`, `kalman_training` (chapter 16);
* `kernel`: the same steps, compiled; made of `layout`, `packing`, `steps`, `updates`, `vectors`,
   `compiling` and `caching` (appendix A);
* `extensions`, `interop`: peepholes, softmax outputs (chapter 11); PyTorch (chapter 4).
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    (
        *("squashing", "network", "gradient", "bptt", "episodes", "batches", "fitting"),
        *(
            "recipes",
            "training",
            "kernel",
            "layout",
            "packing",
            "steps",
            "updates",
            "vectors",
        ),
        *("compiling", "caching", "extensions", "interop", "storing", "tasks"),
        *("kalman", "kalman_compiled", "kalman_training"),
    ),
    {
        "Network": "network",
        "Topology": "network",
        "Voice": "network",
        "forward": "network",
        "Learning": "recipes",
        "Recipe": "recipes",
        "Result": "training",
        "PAPER": "recipes",
        "PAPER_2": "recipes",
        "RECOMMENDED": "recipes",
        "RECOMMENDED_2": "recipes",
        "train": "training",
        "save": "training",
        "load": "training",
        "stored": "training",
    },
)
