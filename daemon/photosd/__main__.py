"""``python -m photosd``: the daemon in the foreground."""

import sys

from photosd.runtime.main import main

if __name__ == "__main__":
    sys.exit(main())
