"""The files for containers fit the program."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from voice_ui.settings import SETTINGS

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "Dockerfile", *sorted((ROOT / "deploy").iterdir()), ROOT / "docs" / "deploy.md"]
KNOWN = {setting.name for setting in SETTINGS}


def number(name: str, pattern: str) -> float:
    found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))
    assert found, pattern
    return float(found[1])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"\bVOICE_UI_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))) - {"VOICE_UI_REPLICA"}
    assert named <= KNOWN


@pytest.mark.parametrize(
    ("name", "grace"),
    [
        ("deploy/compose.yaml", r"stop_grace_period: (\d+)s"),
        ("deploy/kubernetes.yaml", r"terminationGracePeriodSeconds: (\d+)"),
    ],
)
def test_nobody_is_killed_while_draining(name: str, grace: str) -> None:
    assert number(name, grace) >= number(name, r"VOICE_UI_DRAIN_SECONDS\W+(?:value: )?\"?(\d+)") + 5


def test_the_image_holds_what_the_build_needs_and_no_more() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = {f"!{name}" for line in copied for name in line.split()}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert "*" in lines and "**/.env*" in lines
    assert {line for line in lines if line.startswith("!")} == wanted
    assert all((ROOT / name[1:]).exists() for name in wanted)


def test_caddy_accepts_its_configuration() -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("no caddy: install it (Debian: apt-get install caddy)")
    adapt = [caddy, "adapt", "--config", str(ROOT / "deploy" / "Caddyfile"), "--adapter", "caddyfile", "--validate"]
    done = subprocess.run(adapt, capture_output=True, text=True, env={"DOMAIN": "voice.example", "HOME": "/tmp"})
    assert done.returncode == 0, done.stderr
