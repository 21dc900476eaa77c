"""The outside: one door each to settings, files, LanceDB, Redis, Dask, and torch."""

import os
import sys

# Nobody outside is told that Faldone is used: Prefect, unstructured and the model hub's library ask for this variable
# (on a terminal Prefect would otherwise send events to its makers), OpenVINO sends when it finds its telemetry package.
os.environ.setdefault("DO_NOT_TRACK", "1")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

# torch's threads spin while they wait for one another. On a machine with other work that made fine-tuning ten times
# slower (2.8 instead of 27 texts a second, two busy cores). OpenMP reads this when torch is first imported, so it has
# to stand before that; whoever sets the variable decides.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
