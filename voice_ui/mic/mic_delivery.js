// Numbered delivery. Everything the microphone reports has a number and is kept for half a minute, sent or not. When the
// page is connected again it says hello, Python answers with the last number that arrived, and the rest is sent again.

const KEPT = 30_000 / 20; // frames of 20 ms
const MESSAGE_CHARS = 200_000; // NiceGUI and engine.io refuse messages of 1 MB

export class Delivery {
  constructor(id, emit) {
    this.id = id; // of the element
    this.emit = emit;
    this.page = Math.random().toString(36); // tells this page from the one before a reload
    this.seq = 0;
    this.sent = 0; // the last number that was sent on this connection
    this.kept = [];
    this.synced = false;
    this.hadWebsocket = false;
    this.flushing = false;
    for (const name of ["hello", "flush", "forsake"]) this[name] = this[name].bind(this);
  }

  open() {
    window.socket.on("connect", this.hello);
    window.socket.on("disconnect", this.forsake);
    this.hello();
  }
  close() {
    window.socket?.off("connect", this.hello);
    window.socket?.off("disconnect", this.forsake);
  }

  // A chunk takes as many numbers as it has frames, so that a gap in the numbers is a length of time.
  post(name, body, frames = 1) {
    this.seq += frames;
    this.kept.push({ seq: this.seq, name, body, at: performance.now() });
    this.forget();
    if (this.flushing) return;
    this.flushing = true;
    queueMicrotask(this.flush); // what is posted together travels together
  }

  forget() {
    for (;;) {
      const oldest = this.kept.findIndex(({ name }) => name === "chunk");
      if (oldest >= 0 && this.seq - this.kept[oldest].seq >= KEPT) this.kept.splice(oldest, 1);
      else if (this.kept.length > 2 * KEPT) this.kept.shift();
      else return;
    }
  }

  hello() {
    this.synced = false;
    if (!window.socket.connected) return;
    // Where the network comes back between an attempt by websocket and one by polling, socket.io stays with polling:
    // connect once more. If that ends with polling, too, there is no websocket to be had.
    const again = isPolling() && this.hadWebsocket;
    this.hadWebsocket = !isPolling();
    if (again) setTimeout(() => window.socket.io.engine.close());
    else this.emit("hello", this.page);
  }
  resendAfter(last) {
    if (this.synced) return;
    this.synced = true;
    this.sent = last;
    this.flush();
  }
  // What socket.io has put aside while the connection was dying would overtake what must be sent again.
  forsake() {
    window.socket.sendBuffer = window.socket.sendBuffer.filter(({ data }) => data[1]?.id !== this.id);
  }

  flush() {
    this.flushing = false;
    while (this.synced && window.socket.connected) {
      const message = this.next();
      if (!message.length) return;
      // By polling, the server takes 16 packets in one request (engine.io, max_decode_packets): send one of ours at a
      // time, with everything that is waiting.
      const engine = window.socket.io.engine;
      if (isPolling() && engine.writeBuffer.length) {
        if (this.drained !== engine) engine.once("drain", () => ((this.drained = null), this.flush()));
        this.drained = engine;
        return;
      }
      this.sent = message[message.length - 1].seq;
      if (message.length > 1) this.emit("several", message.map(({ name, seq, body }) => [name, seq, body]));
      else this.emit(message[0].name, message[0].seq, message[0].body);
    }
  }

  // Return what fits into one message of that which is still to be sent.
  next() {
    let first = this.kept.length;
    while (first && this.kept[first - 1].seq > this.sent) first--;
    let end = first;
    for (let chars = 0; end < this.kept.length && chars < MESSAGE_CHARS; end++) chars += 50 + (this.kept[end].body?.length ?? 0);
    return this.kept.slice(first, end);
  }

  // When that was posted, by performance.now(); undefined if it is no longer kept.
  postedAt(seq) {
    return this.kept.find((entry) => entry.seq === seq)?.at;
  }
}

export function isPolling() {
  return window.socket?.io?.engine?.transport?.name === "polling";
}
