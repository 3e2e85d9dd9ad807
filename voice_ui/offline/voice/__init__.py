"""Replies read aloud, sentence by sentence, by hibari-tts in a worker process: one voice, American English.

`hibari` is what the server holds, `synthesizer` what runs in the process, `sentences` cuts a reply while it is written.
"""

from voice_ui.offline.voice.hibari import Hibari, is_installed

__all__ = ["Hibari", "is_installed"]
