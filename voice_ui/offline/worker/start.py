"""The script that a worker process runs: `python -P start.py voice_ui.offline.recognizer.transcriber`.

It imports `process` and the named module without executing the `__init__` files of the packages they are in. Those
import the page and its web server, which takes a second and 60 MB that a worker has no use for.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[3]
"""The folder that `voice_ui` is in."""

PROCESS = "voice_ui.offline.worker.process"


def bypass(module: str) -> None:
    """Enter empty packages in place of those that `module` is in."""
    packages = module.split(".")[:-1]
    for depth in range(1, len(packages) + 1):
        package = ModuleType(".".join(packages[:depth]))
        package.__path__ = [str(ROOT.joinpath(*packages[:depth]))]
        sys.modules.setdefault(package.__name__, package)


if __name__ == "__main__":
    bypass(PROCESS)
    bypass(sys.argv[1])
    importlib.import_module(PROCESS).main(sys.argv[1])
