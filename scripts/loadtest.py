"""Loads the service on this machine: what it bears, whether it lasts, and what it never loses.

    scripts/loadtest knee --home DIR [--mix identify=100] [--point fast] [--html FILE]
    scripts/loadtest soak --home DIR --minutes 30
    scripts/loadtest chaos --kills 20 [--postgres]
    scripts/loadtest fresh --home DIR

--home is one that scripts/make_home.py made; without it a small one is made, and deleted again. The
service is started on it on a port of this machine and ended again, and all that was enrolled in it
is removed. Service and clients share the machine: docs/load.md says how to read the figures. The
exit code is 0 where all that must hold did.
"""

from __future__ import annotations

import importlib.util
import sys

NEEDED = ("gevent", "locust", "fastapi", "uvicorn", "httpx", "jwt", "psycopg")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    sys.exit(f"load tests need {', '.join(missing)}: pip install 'tenprint[load]'")

from gevent import monkey  # noqa: E402

monkey.patch_all()

from pathlib import Path  # noqa: E402

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from loading.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
