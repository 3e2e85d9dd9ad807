// What the microphone tells Python is numbered, and kept for half a minute, sent or not. After a lost connection this
// half says hello, Python answers with the last number it has, and what came after goes out again, in order.

const KEPT = 30_000 / 20; // chunks of 20 ms

export class Delivery {
  constructor(emit) {
    this.emit = emit;
    this.page = Math.random().toString(36); // tells this half from the one before it
    this.seq = 0;
    this.kept = [];
    this.synced = false;
    this.hello = this.hello.bind(this);
  }

  open() {
    window.socket.on("connect", this.hello);
    this.hello();
  }
  close() {
    window.socket?.off("connect", this.hello);
  }

  post(name, body) {
    this.kept.push({ seq: ++this.seq, name, body, at: performance.now() });
    if (this.kept.length > KEPT) this.kept.splice(Math.max(0, this.kept.findIndex((e) => e.name === "chunk")), 1);
    if (this.synced && window.socket.connected) this.emit(name, this.seq, body);
  }
  hello() {
    this.synced = false;
    if (window.socket.connected) this.emit("hello", this.page);
  }
  resendAfter(last) {
    if (this.synced) return;
    this.synced = true;
    for (const { seq, name, body } of this.kept) if (seq > last) this.emit(name, seq, body);
  }

  // When that was posted, by performance.now(); undefined if it is no longer kept.
  postedAt(seq) {
    return this.kept.find((entry) => entry.seq === seq)?.at;
  }
}
