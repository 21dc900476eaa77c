"""Classifiers that come with Faldone: a folder each, as `faldone train` makes them. `build.py` makes them again."""
