"""The network, its gradient and its training. Knows nothing of music; begin with `network`.

* `network`, `squashing`: memory blocks wired into voices, one step forward (chapter 4);
* `gradient`, `bptt`: the paper's learning rule, and the full gradient (chapter 5);
* `training`: recipes, online updates, saving and loading (chapter 6);
* `kernel`: the same steps, compiled; made of `layout`, `packing`, `steps`, `updates`, `vectors`
   and `compiling` (appendix A);
* `extensions`, `interop`: peepholes, softmax outputs (chapter 11); PyTorch (chapter 4).
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    (
        *("squashing", "network", "gradient", "bptt"),
        *("training", "kernel", "layout", "packing", "steps", "updates", "vectors", "compiling"),
        *("extensions", "interop"),
    ),
    {
        "Network": "network",
        "Topology": "network",
        "Voice": "network",
        "forward": "network",
        "Learning": "training",
        "Recipe": "training",
        "Result": "training",
        "PAPER": "training",
        "PAPER_2": "training",
        "RECOMMENDED": "training",
        "RECOMMENDED_2": "training",
        "train": "training",
        "save": "training",
        "load": "training",
        "stored": "training",
    },
)
