"""hashcanary: the open-source observatory of Bitcoin mining stress."""

__version__ = "0.1.0"
