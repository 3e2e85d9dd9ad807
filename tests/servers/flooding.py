"""A server in a process of its own that floods its client: `python -m tests.servers.flooding garbage|transcripts`."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

TRANSCRIPT = {
    "type": "conversation.item.input_audio_transcription.delta",
    "item_id": "u",
    "content_index": 0,
    "delta": "word " * 20,
}
MESSAGES = {"garbage": "no JSON" * 10, "transcripts": json.dumps(TRANSCRIPT)}


async def main(kind: str) -> None:
    """Print the port, and serve until the end of standard input."""

    async def flood(websocket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await websocket.send(json.dumps({"type": "session.created", "session": {"type": "realtime"}}))
            update = json.loads(await websocket.recv())
            await websocket.send(json.dumps({"type": "session.updated", "session": update["session"]}))
            while True:
                await websocket.send(MESSAGES[kind])

    async with serve(flood, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
