"""Trained classifiers in use: the registry, prediction, and the networks that training and analyses share."""
