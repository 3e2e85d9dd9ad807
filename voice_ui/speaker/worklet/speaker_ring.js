// The audio thread's part: a ring of samples that is played without gaps, and a fade wherever it has to begin or end.

const RATE = 24_000; // NOTE: SAMPLE_RATE in audio.py
const RING = 8 * RATE; // the page gets three seconds in advance
const FADE = 120; // samples, 5 ms: no click, and over within one quantum of 128
const FIRST_MS = 60; // buffered before the first sample is played
const MOST_MS = 500;
const CALM_MS = 10_000; // without an underrun for this long: buffer less again
const REPORT = RATE / 10;

class SpeakerRing extends AudioWorkletProcessor {
  constructor() {
    super();
    this.ring = new Float32Array(RING);
    this.step = RATE / sampleRate; // 1, unless the browser refused a context at our rate
    this.targetMs = FIRST_MS;
    this.held = false;
    this.tail = new Float32Array(0); // what fades out after a stop
    this.underruns = 0;
    this.startedAt = 0; // of the context's clock: when it last began to play
    this.clear(0);
    this.port.onmessage = ({ data: [name, ...args] }) => this[name](...args);
  }

  clear(position) {
    this.begin = position; // of the stream
    this.read = 0; // samples played, with fractions where the rates differ
    this.written = 0;
    this.item = 0;
    this.gain = 0;
    this.waiting = true;
    this.waited = 0; // samples since the last audio came
    this.calm = 0;
    this.reported = -1;
  }

  get buffered() {
    return this.written - this.read;
  }

  // Messages of the page.

  add(item, pcm) {
    const samples = new Int16Array(pcm);
    if (this.waiting && this.written && this.item === item && !this.buffered) {
      this.underruns++;
      this.targetMs = Math.min(MOST_MS, this.targetMs * 1.5);
      this.calm = 0;
    }
    this.item = item;
    for (const sample of samples.subarray(0, Math.max(0, RING - Math.ceil(this.buffered)))) {
      this.ring[this.written++ % RING] = sample / 32768;
    }
    this.waited = 0;
  }

  stop(position) {
    const left = this.waiting || this.held ? 0 : Math.min(FADE, Math.floor(this.buffered / this.step));
    const fading = (_, i) => this.sample(this.read + i * this.step) * Math.max(0, this.gain - (i + 1) / FADE);
    this.tail = Float32Array.from({ length: left }, fading);
    this.report("stopped");
    this.clear(position);
  }

  hold(held) {
    this.held = held;
  }

  sample(position) {
    const whole = Math.floor(position);
    const first = this.ring[whole % RING];
    if (position === whole) return first;
    return first + (this.ring[(whole + 1) % RING] - first) * (position - whole);
  }

  process(_, [[channel]]) {
    this.start(channel.length);
    const before = this.read;
    for (let i = 0; i < channel.length; i++) {
      const left = this.buffered;
      if (!this.waiting && left <= this.step / 2) {
        this.waiting = true;
        this.gain = 0;
      }
      if (this.waiting) continue;
      // Fade in at a begin, out before an end or a hold.
      const falls = this.held || left / this.step <= FADE;
      this.gain = falls ? Math.max(0, this.gain - 1 / FADE) : Math.min(1, this.gain + 1 / FADE);
      if (this.held && this.gain === 0) continue;
      channel[i] = this.sample(this.read) * this.gain;
      this.read = Math.min(this.written, this.read + this.step);
    }
    for (let i = 0; i < this.tail.length && i < channel.length; i++) channel[i] += this.tail[i];
    this.tail = this.tail.subarray(channel.length);
    if (this.read === before) return this.idle();
    this.calm += channel.length * this.step;
    if (this.calm >= (CALM_MS * RATE) / 1000) {
      this.calm = 0;
      this.targetMs = Math.max(FIRST_MS, this.targetMs / 1.25);
    }
    if (this.read - this.reported >= REPORT) this.report("playing");
    return true;
  }

  // Begin as soon as there is enough; or if nothing more comes, with what there is.
  start(length) {
    if (!this.waiting || this.held || !this.buffered) return;
    this.waited += length * this.step;
    const target = (this.targetMs * RATE) / 1000;
    if (this.buffered < target && this.waited < target) return;
    this.waiting = false;
    this.startedAt = currentTime;
    this.report("playing");
  }

  idle() {
    if (this.reported !== this.read || this.said === "playing") this.report(this.buffered ? "held" : "empty");
    return true;
  }

  report(name) {
    this.said = name;
    this.reported = this.read;
    this.port.postMessage([name, this.begin + Math.round(this.read), this.underruns, this.targetMs, this.startedAt]);
  }
}

registerProcessor("speaker-ring", SpeakerRing);
