"""Which machines can install Voice UI, and which of them then have speech recognition: `python -m tests.resolution`.

uv resolves the dependencies for each Python and platform as if it ran there, with wheels only. This waits minutes for
the network, so `.ci/run` runs it beside the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True)
class Platform:
    """A machine, as uv and as the markers of the dependencies know it."""

    name: str
    uv: str
    markers: dict[str, str]
    macos: str = ""


def _linux(machine: str) -> dict[str, str]:
    release, version = "6.8.0-49-generic", "#49-Ubuntu SMP PREEMPT_DYNAMIC"
    return {"platform_machine": machine, "platform_release": release, "platform_version": version}


def _macos(machine: str, kernel: str) -> dict[str, str]:
    version = f"Darwin Kernel Version {kernel}: Thu Oct 10 21:02:27 PDT 2024; root:xnu-11215.41.3~2/RELEASE"
    return {"platform_machine": machine, "platform_release": kernel, "platform_version": version}


_WINDOWS = {"platform_machine": "AMD64", "platform_release": "11", "platform_version": "10.0.26100"}

PLATFORMS = (
    Platform("Linux x86-64", "x86_64-manylinux_2_34", {"sys_platform": "linux", **_linux("x86_64")}),
    Platform("Linux ARM64", "aarch64-manylinux_2_34", {"sys_platform": "linux", **_linux("aarch64")}),
    Platform("Windows x86-64", "x86_64-pc-windows-msvc", {"sys_platform": "win32", **_WINDOWS}),
    Platform(
        "macOS 15, Apple", "aarch64-apple-darwin", {"sys_platform": "darwin", **_macos("arm64", "24.1.0")}, "15.0"
    ),
    Platform(
        "macOS 14, Apple", "aarch64-apple-darwin", {"sys_platform": "darwin", **_macos("arm64", "23.6.0")}, "14.0"
    ),
    Platform(
        "macOS 14, Intel", "x86_64-apple-darwin", {"sys_platform": "darwin", **_macos("x86_64", "23.6.0")}, "14.0"
    ),
)
"""Not Windows on ARM: soxr has no wheel there. A Python for x86-64 runs on it."""

CURRENT = ("Linux x86-64", "Linux ARM64", "Windows x86-64", "macOS 15, Apple")
"""Here, speech is recognized by Moonshine and replies are read aloud."""

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


@dataclass(frozen=True)
class Resolution:
    """What would be installed on one platform with one Python."""

    python: str
    platform: str
    packages: frozenset[str]
    error: str
    """Why nothing can be installed; empty if it can."""

    @property
    def recogniser(self) -> str:
        """What transcribes speech there."""
        if {"moonshine-voice", "onnxruntime"} <= self.packages:
            return "Moonshine"
        return "PocketSphinx" if "pocketsphinx" in self.packages else "none"

    @property
    def voice(self) -> str:
        """What reads replies aloud there."""
        return "hibari" if "hibari-tts" in self.packages else "none"

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing there."""
        return self.recogniser == "Moonshine" and self.voice == "hibari"


def resolve(python: str, platform: Platform) -> Resolution:
    """Return what uv finds for the project's dependencies."""
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-version", python, "--python-platform", platform.uv, "-"]
    environment = dict(os.environ)
    if platform.macos:
        environment["MACOSX_DEPLOYMENT_TARGET"] = platform.macos
    wanted = "\n".join(_dependencies({"python_version": python, "extra": "", **platform.markers}))
    result = subprocess.run(command, input=wanted, env=environment, capture_output=True, text=True, check=False)
    packages = frozenset(line.partition("==")[0] for line in result.stdout.splitlines() if "==" in line)
    return Resolution(python, platform.name, packages, result.stderr.strip() if result.returncode else "")


def _dependencies(environment: dict[str, str]) -> list[str]:
    """Return the project's dependencies there. uv itself knows no version of a system that it does not run on."""
    wanted = []
    for line in tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            requirement.marker = None
            wanted.append(str(requirement))
    return wanted


def resolutions() -> list[Resolution]:
    """Return one for each platform and Python."""
    return [resolve(python, platform) for platform in PLATFORMS for python in PYTHONS]


def table(found: list[Resolution]) -> str:
    """Return the outcome as lines for a person to read."""
    lines = [f"{'platform':20} {'Python':7} {'installs':9} {'recogniser':13} voice"]
    for each in found:
        installs = "no" if each.error else "yes"
        lines.append(f"{each.platform:20} {each.python:7} {installs:9} {each.recogniser:13} {each.voice}")
        lines += [f"    {line}" for line in each.error.splitlines()]
    return "\n".join(lines)


def main() -> int:
    """Print the table; the exit code is 1 if nothing can be installed, or a current platform has no ears or voice."""
    if shutil.which("uv") is None:
        sys.stderr.write("This needs uv: https://docs.astral.sh/uv/\n")
        return 2
    found = resolutions()
    sys.stdout.write(f"{table(found)}\n")
    wanting = [each for each in found if each.error or each.platform in CURRENT and not each.is_complete]
    sys.stdout.write("".join(f"{each.platform}, Python {each.python}: not complete\n" for each in wanting))
    return 1 if wanting else 0


if __name__ == "__main__":
    sys.exit(main())
