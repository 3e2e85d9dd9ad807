// Decides which frames leave the browser, and how many of them travel together. It knows no device and no page.

const FRAME_MS = 20; // NOTE: CHUNK_MS in audio.py
const BEFORE_FRAMES = 200 / FRAME_MS;
const RELEASE_MS = 100; // a device that stands still must not keep a hold open

export class Gate {
  constructor(post) {
    this.post = post;
    this.perChunk = 1; // frames
    this.byHand = false; // sound leaves only during a hold
    this.muted = false;
    this.closed = false; // silence leaves instead of sound
    this.reset();
  }

  reset() {
    clearTimeout(this.timer);
    this.live = false; // a frame has come
    this.pressed = false; // what the person does
    this.held = false; // what Python was told of it
    this.ending = false; // released, but the frame under way is not full
    this.before = []; // the last frames before a hold: nobody who presses while speaking loses a syllable
    this.joined = []; // frames of the chunk under way
  }

  press() {
    this.pressed = true;
    this.ending = false;
    if (this.live) this.begin();
  }
  release() {
    this.pressed = false;
    if (!this.held || this.ending) return;
    this.ending = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ending && this.end(), RELEASE_MS);
  }

  close(closed) {
    this.closed = closed;
  }
  mute(muted) {
    if (muted === this.muted) return;
    if (muted) {
      this.pressed = false;
      this.end();
    }
    this.muted = muted;
    this.post("muted", muted);
  }
  configure(byHand, chunkMs) {
    this.perChunk = Math.max(1, Math.round(chunkMs / FRAME_MS));
    if (byHand === this.byHand) return;
    this.pressed = false;
    this.end();
    this.before = [];
    this.byHand = byHand;
    if (byHand) this.mute(false); // nothing leaves without a hold, and a muted hold would be a dead button
  }

  // `rest`: less than a whole frame, at the end of a capture.
  frame(pcm, rest = false) {
    this.live = true;
    if (this.pressed) this.begin();
    if (this.muted) return;
    if (this.closed) new Uint8Array(pcm).fill(0);
    if (!this.byHand || this.held) this.join(pcm, rest);
    else if (this.before.push(pcm) > BEFORE_FRAMES) this.before.shift();
    if (this.ending) this.end();
  }

  begin() {
    if (this.held || this.muted || !this.byHand) return;
    this.held = true;
    this.post("held", null);
    for (const pcm of this.before.splice(0)) this.join(pcm);
  }
  end() {
    this.flush();
    this.ending = false;
    if (!this.held) return;
    this.held = false;
    this.post("released", null);
  }

  join(pcm, rest = false) {
    if (rest) this.flush(); // it takes a number of its own
    this.joined.push(pcm);
    if (rest || this.joined.length >= this.perChunk) this.flush();
  }
  flush() {
    const frames = this.joined.splice(0);
    if (frames.length) this.post("chunk", btoa(frames.map(binary).join("")), frames.length);
  }
}

function binary(pcm) {
  return String.fromCharCode(...new Uint8Array(pcm));
}
