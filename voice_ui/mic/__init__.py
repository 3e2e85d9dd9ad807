"""The microphone of a browser tab as a NiceGUI element that any NiceGUI program can use: see `Mic`."""

from voice_ui.mic.events import Chunk, Device, MicProblem, Started, Stopped
from voice_ui.mic.mic import Mic

__all__ = ["Chunk", "Device", "Mic", "MicProblem", "Started", "Stopped"]
