"""Training of text classifiers: data → split → head or full → evaluation → registry → prediction.

Everything here is plain functions over a work folder and a few frozen records (`spec.py`); the flow in `flows/train.py`
only orders them. torch and transformers are imported inside the functions that train, or in `network.py`, which is
itself imported late.
"""
