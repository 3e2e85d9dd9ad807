"""A conversation in the terminal, without NiceGUI: sound comes from a pipe, replies are printed as they are written.

    arecord -q -t raw -f S16_LE -r 24000 | python examples/command_line.py https://api.openai.com/v1

The key is read from OPENAI_API_KEY. Without sound that stops by itself, Ctrl-C ends it.
"""

import asyncio
import os
import sys

from voice_ui import Endpoint, RealtimeSession, SessionConfig
from voice_ui.session import ItemChanged, ProblemRaised, StateChanged, TextDelta


async def speak(session: RealtimeSession) -> None:
    """Pass the sound on, 20 ms at a time."""
    while pcm := await asyncio.to_thread(sys.stdin.buffer.read, 960):
        session.append_audio(pcm)
    session.stop()  # what was said is still answered


async def main(url: str) -> None:
    """Talk until the sound ends and everything is answered."""
    endpoint = Endpoint.compatible(url, "", os.environ.get("OPENAI_API_KEY"))
    async with RealtimeSession(endpoint, SessionConfig(transcription_model="gpt-live-transcribe")) as session:
        session.start()
        speaking = asyncio.create_task(speak(session))
        async for event in session:
            match event:
                case ItemChanged(item) if item.role == "user" and item.status == "completed":
                    sys.stdout.write(f"\n> {item.text}\n")
                case ItemChanged(item) if item.role == "assistant" and item.status == "in_progress":
                    sys.stdout.write(item.text)  # its first words
                case TextDelta(text=text):
                    sys.stdout.write(text)
                case ProblemRaised(problem):
                    sys.stderr.write(f"\n{problem.code}: {problem.detail}\n")
                case StateChanged(state) if state.at_rest:
                    break
            sys.stdout.flush()
        speaking.cancel()


asyncio.run(main(sys.argv[1]))
