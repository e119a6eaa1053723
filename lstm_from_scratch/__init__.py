"""An LSTM built from nothing that learns a twelve-bar blues (Eck and Schmidhuber, 2002)."""

__version__ = "0.1.0"
