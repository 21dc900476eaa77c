"""The outside: one door each to settings, files, LanceDB, Redis, Dask, and torch."""

import os

# torch's threads spin while they wait for one another. On a machine with other work that made fine-tuning ten times
# slower (2.8 instead of 27 texts a second, two busy cores). OpenMP reads this when torch is first imported, so it has
# to stand before that; whoever sets the variable decides.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
