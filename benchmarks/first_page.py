"""From the command to the first page served: `python main.py` beside an empty NiceGUI app, in turns, in one run.

    python benchmarks/first_page.py [--runs 5]

What is measured: from starting the process to the last byte of the answer to GET /, by this script's clock. The floor
is the smallest NiceGUI program there is. The figure to look at is the ratio of the medians; the budget is 1.5.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]

EMPTY = """
from nicegui import ui

@ui.page("/")
def page():
    ui.label("empty")

ui.run(host="127.0.0.1", port={port}, reload=False, show=False)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def seconds_to_first_page(command: list[str], port: int, folder: str) -> float:
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    answer.read()
                    return time.perf_counter() - start
            except (OSError, urllib.error.URLError):
                if process.poll() is not None or time.perf_counter() - start > 60:
                    raise SystemExit(f"no page from {command}") from None
                time.sleep(0.005)
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    floor, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs + 1):  # the first one only warms the caches
            port = free_port()
            empty = seconds_to_first_page([sys.executable, "-c", EMPTY.format(port=port)], port, folder)
            port = free_port()
            command = [sys.executable, str(ROOT / "main.py"), "--no-open", "--offline", "--port", str(port)]
            product = seconds_to_first_page(command, port, folder)
            if run:
                floor.append(empty)
                ours.append(product)
    for name, values in (("empty NiceGUI page", floor), ("python main.py", ours)):
        spread = f"{min(values):.2f} to {max(values):.2f}"
        sys.stdout.write(f"{name:20} median {statistics.median(values):.2f} s ({spread})\n")
    sys.stdout.write(f"ratio of medians     {statistics.median(ours) / statistics.median(floor):.2f} (budget 1.5)\n")


if __name__ == "__main__":
    main()
