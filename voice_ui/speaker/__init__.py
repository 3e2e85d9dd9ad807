"""The loudspeaker of a browser tab as a NiceGUI element that any NiceGUI program can use: see `Speaker`."""

from voice_ui.speaker.events import Output, SpeakerProblem
from voice_ui.speaker.speaker import Speaker

__all__ = ["Output", "Speaker", "SpeakerProblem"]
