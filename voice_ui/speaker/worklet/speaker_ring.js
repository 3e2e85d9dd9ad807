// The audio thread's part: a ring of samples that is played without gaps, and a fade wherever it has to begin or end.

const RATE = 24_000; // NOTE: SAMPLE_RATE in audio.py
const RING = 8 * RATE; // the page gets three seconds in advance
const FADE = 120; // samples, 5 ms: no click, and over within one quantum of 128
const FIRST_MS = 60; // buffered before the first sample is played
const MOST_MS = 500;
const CALM_MS = 10_000; // without an underrun for this long: buffer less again
const WINDOW = sampleRate / 200; // 5 ms of the microphone
const LOUD_WINDOWS = 3; // fewer are a click: the fade begins with the first one, but playing goes on
const STILL_LOUD = 20; // windows, 100 ms of voice
const RAW_LOUD = 10 ** -4.5; // power, -45 dBFS: a voice that nothing has processed
const OVER_ECHO = 4; // 6 dB over what the microphone hears of the speaker
const FADING = 0.97; // per window: how a room falls silent
const LEARNED = 100; // windows of a reply that show how much of it the microphone hears
const REPORT = RATE / 10;

class SpeakerRing extends AudioWorkletProcessor {
  constructor() {
    super();
    this.ring = new Float32Array(RING);
    this.step = RATE / sampleRate; // 1, unless the browser refused a context at our rate
    this.targetMs = FIRST_MS;
    this.held = false;
    this.loudAbove = Infinity; // power
    this.clean = this.raw = this.out = this.count = 0; // energy of the window under way, and its samples
    this.loud = 0; // windows in a row
    this.louder = 0; // windows since the last report of them
    this.played = 0; // power, as a room still hears it
    this.learnEcho();
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
    const left = this.waiting ? 0 : Math.min(FADE, Math.floor(this.buffered / this.step));
    const fading = (_, i) => this.sample(this.read + i * this.step) * Math.max(0, this.gain - (i + 1) / FADE);
    this.tail = Float32Array.from({ length: left }, fading);
    this.report("stopped");
    this.clear(position);
    this.held = false;
    this.most = this.windows = 0; // speech that stopped it is no echo
  }

  hold(held) {
    if (this.held && !held) this.learnEcho(); // it may have been what it ducked for
    this.held = held;
  }

  duckAbove(power) {
    this.loudAbove = power;
  }

  // Duck over speech, here and at once: the page may be busy. `clean` is the microphone without echo, from which the
  // browser also takes the begin of what is said over a reply; `raw` is all of it.
  listen(clean, raw, out) {
    for (let i = 0; i < out.length; i++) {
      if (clean) this.clean += clean[i] ** 2;
      if (raw) this.raw += raw[i] ** 2;
      this.out += out[i] ** 2;
      if (++this.count < WINDOW) continue;
      this.judge(this.clean / this.count, this.raw / this.count, this.out / this.count);
      this.clean = this.raw = this.out = this.count = 0;
    }
  }

  judge(clean, raw, out) {
    this.played = Math.max(out, this.played * FADING);
    const isVoice = this.loudAbove < Infinity && raw > Math.max(RAW_LOUD, OVER_ECHO * this.echo * this.played);
    this.loud = isVoice || clean > this.loudAbove ? this.loud + 1 : 0;
    if (this.loud) this.louder++;
    if (this.waiting) return;
    if (this.held ? this.louder >= STILL_LOUD : this.loud >= LOUD_WINDOWS) {
      this.held = true;
      this.louder = 0;
      this.report("ducked"); // and again, while it goes on
    } else if (this.held) {
      return;
    } else if (!this.loud && this.played) {
      this.most = Math.max(this.most, raw / this.played);
      if (++this.windows < LEARNED) return;
      this.echo = Math.max(this.most, this.before);
      this.before = this.most;
      this.most = this.windows = 0;
    }
  }

  // How much of its power the microphone hears: unknown until half a second was played.
  learnEcho() {
    this.echo = Infinity;
    this.most = this.before = this.windows = 0;
  }

  sample(position) {
    const whole = Math.floor(position);
    const first = this.ring[whole % RING];
    if (position === whole) return first;
    return first + (this.ring[(whole + 1) % RING] - first) * (position - whole);
  }

  process([[clean] = [], [raw] = []], [[channel]]) {
    this.play(channel);
    if (clean || raw) this.listen(clean, raw, channel);
    return true;
  }

  play(channel) {
    this.start(channel.length);
    const before = this.read;
    for (let i = 0; i < channel.length; i++) {
      const left = this.buffered;
      if (!this.waiting && left <= this.step / 2) {
        this.waiting = true;
        this.gain = 0;
      }
      if (this.waiting) continue;
      // Fade in at a begin, out before an end, over speech and for a hold.
      const falls = this.held || this.loud || left / this.step <= FADE;
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
  }

  report(name) {
    this.said = name;
    this.reported = this.read;
    this.port.postMessage([name, this.begin + Math.round(this.read), this.underruns, this.targetMs, this.startedAt]);
  }
}

registerProcessor("speaker-ring", SpeakerRing);
