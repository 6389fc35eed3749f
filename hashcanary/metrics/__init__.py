"""Declared metrics: a declaration and one pure function each, in ``catalogue/``."""
