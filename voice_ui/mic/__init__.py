"""The microphone of a browser tab as a NiceGUI element that any NiceGUI program can use: see `Mic`."""

from voice_ui.mic.mic import Chunk, Mic, MicProblem, Started, Stopped

__all__ = ["Chunk", "Mic", "MicProblem", "Started", "Stopped"]
