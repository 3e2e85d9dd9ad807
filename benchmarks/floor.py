"""The floor: a bare page, a bare websocket and a bare relay, doing the same two hops as the app and nothing else.

    python -m benchmarks.floor ws://127.0.0.1:PORT/v1/realtime

Its first line is the page's address. The page sends 20 ms of sound at a time as a binary message; the relay sends them
on to the realtime server as that wants them, and sends back the text of every delta, which the page appends. There is
no session, no state, no recovery, no error, no second dialect: this is what speed costs at least, in Python.
"""

from __future__ import annotations

import asyncio
import base64
import sys

import orjson
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

try:
    from uvloop import new_event_loop
except ImportError:
    new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]

PAGE = b"""<!doctype html>
<meta charset="utf-8"><title>The floor</title>
<button data-testid="talk">Start</button>
<p data-testid="response"></p>
<script>
  const frames = `registerProcessor("frames", class extends AudioWorkletProcessor {
    pcm = new Int16Array(480); filled = 0;
    process([[channel = []]]) {
      for (const sample of channel) {
        this.pcm[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
        if (this.filled === 480) {
          this.port.postMessage({ pcm: this.pcm.buffer }, [this.pcm.buffer]);
          this.pcm = new Int16Array(480); this.filled = 0;
        }
      }
      return true;
    }
  });`;
  const response = document.querySelector("[data-testid=response]");
  const text = response.appendChild(document.createTextNode(""));
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onmessage = ({ data }) => text.appendData(data);
  document.querySelector("[data-testid=talk]").onclick = async () => {
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const ctx = new AudioContext({ sampleRate: 24000, latencyHint: "interactive" });
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    await ctx.audioWorklet.addModule(URL.createObjectURL(new Blob([frames], { type: "text/javascript" })));
    const node = new AudioWorkletNode(ctx, "frames", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data: { pcm } }) => socket.send(pcm);
    ctx.createMediaStreamSource(stream).connect(node);
  };
</script>
"""


def page(connection: ServerConnection, request: Request) -> Response | None:
    if "Upgrade" in request.headers:
        return None
    headers = {"Content-Type": "text/html", "Content-Length": f"{len(PAGE)}", "Connection": "close"}
    return Response(200, "OK", Headers(headers), PAGE)


async def relay(browser: ServerConnection, url: str) -> None:
    async with connect(url, compression=None) as upstream:
        await upstream.recv()
        session = {"type": "realtime", "output_modalities": ["text"]}
        await upstream.send(orjson.dumps({"type": "session.update", "session": session}), text=True)

        async def up() -> None:
            async for pcm in browser:
                event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode("ascii")}  # type: ignore[arg-type]
                await upstream.send(orjson.dumps(event), text=True)
            await upstream.close()

        async def down() -> None:
            async for message in upstream:
                event = orjson.loads(message)
                if event["type"] == "response.output_text.delta":
                    await browser.send(event["delta"])

        try:
            await asyncio.gather(up(), down())
        except ConnectionClosed:
            pass


async def main() -> None:
    async with serve(
        lambda browser: relay(browser, sys.argv[1]), "127.0.0.1", 0, process_request=page, compression=None
    ) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it is gone


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
