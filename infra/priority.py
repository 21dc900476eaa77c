"""How a process shares the processor with others."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

log = logging.getLogger("faldone.priority")

SESSION = Path("/proc/self/autogroup")
NICE = 10  # of jobs: servers and web applications answer quickly beside jobs that take every core


def be_nice(niceness: int = NICE) -> None:
    """Have this process, and the session that it leads, be at least so nice, however nice whoever started it was."""
    if os.getpriority(os.PRIO_PROCESS, 0) < niceness:
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
    share_as_nice()


def share_as_nice() -> None:
    """Have the session of this process be as nice as the process is.

    Linux shares the processor among sessions first (sched(7), «The autogroup feature»), and niceness counts only within one: a nice process
    that leads a session of its own would get as much as any server. Where the kernel groups otherwise, nothing happens.
    """
    if not SESSION.exists() or not os.nice(0):
        return
    for _ in range(5):  # the kernel takes ten such words a second from all users together
        try:
            SESSION.write_text(str(os.nice(0)))
            return
        except BlockingIOError:
            time.sleep(0.15)
        except OSError as error:
            log.debug("%s: %s", SESSION, error)
            return
