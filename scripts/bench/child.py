"""``python -m scripts.bench.child FILE ARGUMENT...``: the command line, and what memory it took.

Runs ``drmsmirror ARGUMENT...`` in this process and writes its peak memory (VmHWM, bytes) to FILE.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from drmsmirror.cli.main import main


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise RuntimeError("the system does not tell the peak memory of a process")
    return int(found[1]) * 1024


if __name__ == "__main__":
    target = Path(sys.argv.pop(1))
    try:
        main()
    finally:
        target.write_text(str(_peak_bytes()), encoding="ascii")
