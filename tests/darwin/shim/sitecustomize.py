"""Makes every Python that has this directory on PYTHONPATH pretend to be macOS.

Only with ``PHOTOSD_PRETEND=darwin`` in the environment; see tests/darwin/pretend.
"""

import os
import sys

if os.environ.get("PHOTOSD_PRETEND") == "darwin":
    root = os.path.abspath(__file__ + "/../../../..")  # noqa: PTH100 (pathlib costs the command 5 ms)
    sys.path.insert(0, root)
    from tests.darwin.pretend import pretend

    sys.path.remove(root)
    pretend()

# The next one on PYTHONPATH, which this one hides.
here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
for place in sys.path[sys.path.index(here) + 1 :]:
    if os.path.exists(f"{place}/sitecustomize.py"):  # noqa: PTH110
        from importlib import util

        spec = util.spec_from_file_location("sitecustomize_behind", f"{place}/sitecustomize.py")
        if spec is not None and spec.loader is not None:
            sys.modules[spec.name] = behind = util.module_from_spec(spec)
            spec.loader.exec_module(behind)
        break
