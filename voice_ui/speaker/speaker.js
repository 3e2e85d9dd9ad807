// The speaker: this half owns the audio context, speaker.py what is to be played. NOTE: positions are samples at 24 kHz
// from the begin of a stream; a stream ends when it is stopped.

const EVENT = "voice_ui_audio"; // NOTE: EVENT in speaker.py
const RATE = 24_000;
const SAMPLE_BYTES = 2;
const BLOCKED_MS = 1000; // a context that is not running by then is kept from it
const REPORT_MS = 200;
const FADE_S = 0.01;

// Firefox 153 with PulseAudio may freeze for good when asked for its latency while a sound begins: the asking and the
// audio thread wait for each other (seen in its threads). It is not asked; this is about what it takes.
const IS_FIREFOX = navigator.userAgent.includes("Firefox/");
const FIREFOX_LATENCY_S = 0.04;

export default {
  template: `<span style="display: contents"><slot></slot></span>`,
  props: { volume: Number, device: String },
  emits: ["hello", "played", "opened", "problem", "cured", "outputs"],

  created() {
    this.id = +this.$attrs.id.slice(1);
    this.page = Math.random().toString(36); // tells this page from the one before a reload
    this.stream = 0;
    this.stopped = 0; // streams up to this one are over
    this.over = 0; // and up to this one, Python knows it
    this.received = 0;
    this.heard = 0;
    this.emitted = 0;
    this.early = []; // audio that came before the context was ready
    this.problems = new Set();
    this.ducked = false;
    this.mics = [];
  },
  watch: {
    volume: "setVolume",
    device: "setDevice",
  },
  mounted() {
    // NiceGUI makes its socket after the elements.
    setTimeout(() => {
      window.socket.on(EVENT, this.take);
      window.socket.on("connect", this.hello);
      this.hello();
    });
    navigator.mediaDevices?.addEventListener("devicechange", this.reportOutputs);
  },
  beforeUnmount() {
    window.socket?.off(EVENT, this.take);
    window.socket?.off("connect", this.hello);
    navigator.mediaDevices?.removeEventListener("devicechange", this.reportOutputs);
    clearInterval(this.watching);
    if (this.stream > this.over) this.tell("stopped", this.heard); // nobody hears a component that is unmounted
    this.close();
  },

  methods: {
    // Call this in a click, or the browser may keep the page silent.
    unlock() {
      try {
        navigator.audioSession.type = "play-and-record"; // iOS: loud, also while the microphone is open
      } catch {}
      this.open();
      this.reportOutputs();
    },

    async open() {
      if (this.ctx) return this.resume();
      const ctx = (this.ctx = contextAt(RATE));
      this.resume();
      try {
        await ctx.audioWorklet.addModule(import.meta.resolve("speaker_ring"));
        if (ctx !== this.ctx) return;
        this.gain = new GainNode(ctx, { gain: this.volume });
        this.node = new AudioWorkletNode(ctx, "speaker-ring", {
          numberOfInputs: 2,
          channelCount: 1,
          channelCountMode: "explicit",
          outputChannelCount: [1],
        });
        this.node.connect(this.gain).connect(ctx.destination);
        this.node.port.onmessage = ({ data }) => ctx === this.ctx && this.report(...data);
        this.node.port.postMessage(["stop", this.heard]);
        this.node.port.postMessage(["hold", this.ducked]);
        for (const piece of this.early.splice(0)) this.add(...piece);
        await this.setDevice();
      } catch (error) {
        this.raise("speaker-failed", `${error.name}: ${error.message}`);
        this.close();
      }
      ctx.onstatechange = this.resume;
      ctx.onerror = () => ctx === this.ctx && this.reopen(); // Chromium: the device is gone
    },
    close() {
      if (this.ctx && this.ctx.state !== "closed") this.ctx.close().catch(() => {});
      this.ctx = this.node = this.gain = this.loudAbove = null;
      this.mics = []; // that it listens to
    },
    // Begin anew where the listener is.
    reopen() {
      this.close();
      this.received = this.heard;
      this.open();
      this.hello();
    },

    resume() {
      const ctx = this.ctx;
      if (!ctx || ctx.state === "closed") return;
      if (ctx.state === "running") return this.running();
      ctx.resume().catch(() => {}); // suspended, or interrupted by a phone call; the promise may stay open for ever
      this.watching ??= setInterval(() => this.ctx && this.blocked(), BLOCKED_MS);
    },
    running() {
      clearInterval(this.watching);
      this.watching = null;
      this.ask?.abort();
      this.ask = null;
      this.solve("speaker-blocked", "speaker-failed");
      if (!this.isOpen) this.$emit("opened", (this.isOpen = true));
    },
    blocked() {
      if (this.ctx.state === "running") return this.running();
      this.ctx.resume().catch(() => {});
      this.raise("speaker-blocked", this.ctx.state);
      if (this.ask) return;
      this.ask = new AbortController(); // any click or key of the person will do
      for (const name of ["pointerdown", "keydown"]) {
        window.addEventListener(name, () => this.ctx?.resume().catch(() => {}), { capture: true, signal: this.ask.signal });
      }
    },

    hello() {
      if (window.socket.connected) this.$emit("hello", this.page, this.stream, this.received);
    },

    take(id, stream, start, item, pcm) {
      if (id !== this.id || stream <= this.stopped || stream < this.stream) return;
      if (stream > this.stream) this.begin(stream, start);
      if (start > this.received) return this.missing || this.hello((this.missing = true));
      this.missing = false;
      const known = (this.received - start) * SAMPLE_BYTES;
      if (known >= pcm.byteLength) return;
      if (known) pcm = pcm.slice(known);
      this.received += pcm.byteLength / SAMPLE_BYTES;
      this.open();
      if (this.node) this.add(item, pcm);
      else this.early.push([item, pcm]);
    },
    begin(stream, start) {
      this.stream = stream;
      this.received = this.heard = start;
      this.early = [];
      this.node?.port.postMessage(["stop", start]);
      this.node?.port.postMessage(["hold", this.ducked]);
    },
    add(item, pcm) {
      this.node.port.postMessage(["add", item, pcm], [pcm]);
    },

    // Silent within one quantum of the audio thread. Python says which stream it has stopped; a click, the one it hears.
    stop(stream = this.stream) {
      const isNews = stream > this.stopped;
      if (isNews) this.stopped = stream;
      if (isNews && stream === this.stream && this.node) this.node.port.postMessage(["stop", 0]);
      else if (isNews) this.tell("stopped", this.heard, stream);
      this.unduck(); // after it, or some of what is left would be heard
    },
    // Silent, too, but unduck() goes on where it was.
    duck() {
      this.hold(true);
    },
    unduck() {
      this.hold(false);
    },
    hold(ducked) {
      if (ducked !== this.ducked) this.node?.port.postMessage(["hold", ducked]);
      this.ducked = ducked;
    },
    // Let the audio thread duck over speech: as soon as `streams[0]`, the microphone without echo, is louder than this
    // power (Infinity: never), or `streams[1]`, the microphone as it is, louder than the echo of what is played.
    duckAbove(power, ...streams) {
      if (!this.node) return;
      for (const input of [0, 1]) this.connect(input, streams[input]);
      if (power !== this.loudAbove) this.node.port.postMessage(["duckAbove", (this.loudAbove = power)]);
    },
    connect(input, stream = null) {
      const [before, source] = this.mics[input] ?? [null];
      if (stream === before) return;
      source?.disconnect();
      this.mics[input] = [stream];
      try {
        if (stream) this.mics[input][1] = this.ctx.createMediaStreamSource(stream);
        this.mics[input][1]?.connect(this.node, 0, input);
      } catch {} // a browser that joins only equal rates: the server's word ducks
    },

    setVolume() {
      this.gain?.gain.setTargetAtTime(this.volume, this.ctx.currentTime, FADE_S);
    },
    async setDevice() {
      if (!this.ctx?.setSinkId || this.ctx.sinkId === this.device) return;
      await this.ctx.setSinkId(this.device).catch(() => this.ctx?.setSinkId("").catch(() => {})); // gone: the default one
      this.reportOutputs();
    },
    async reportOutputs() {
      if (!window.AudioContext?.prototype.setSinkId || !window.socket?.connected) return;
      const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
      const outputs = devices.filter(({ kind, deviceId }) => kind === "audiooutput" && deviceId);
      const inUse = this.ctx?.sinkId || "default";
      this.$emit("outputs", outputs.map(({ deviceId, label }) => ({ id: deviceId, label, inUse: deviceId === inUse })));
    },

    // From the audio thread: how far it has come. What it has played last is still on its way through the device.
    report(state, position, underruns, targetMs, startedAt) {
      Object.assign(this, { underruns, targetMs });
      if (startedAt !== this.startedAt) this.soundedAt = this.audibleAt((this.startedAt = startedAt));
      if (state === "stopped") {
        if (this.stopped === this.stream) this.tell("stopped", (this.heard = position));
        return;
      }
      if (this.stopped >= this.stream) return;
      if (state === "ducked") {
        this.loudAt = performance.now();
        return (this.ducked = true);
      }
      const latency = latencyOf(this.ctx);
      const heard = Math.round(position - latency * RATE);
      clearTimeout(this.rest);
      if (state !== "playing") this.rest = setTimeout(() => this.tell(state, (this.heard = position)), latency * 1000);
      if (heard <= this.heard && state === "playing" && this.state === "playing") return;
      this.heard = Math.max(this.heard, heard);
      const now = performance.now();
      if (state === "playing" && this.state === "playing" && now - this.emitted < REPORT_MS) return;
      if (state === "playing") this.tell(state, this.heard);
    },
    tell(state, position, stream = this.stream) {
      this.state = state;
      if (state === "stopped") this.over = stream;
      this.emitted = performance.now();
      this.$emit("played", stream, position, state);
    },

    // When what was rendered at a time of the context is heard, as performance.now() counts.
    audibleAt(time) {
      const { contextTime, performanceTime } = (!IS_FIREFOX && this.ctx.getOutputTimestamp?.()) || {};
      if (contextTime) return performanceTime + (time - contextTime) * 1000;
      return performance.now() + (time - this.ctx.currentTime + latencyOf(this.ctx)) * 1000;
    },

    raise(code, detail) {
      if (!this.problems.has(code)) this.$emit("problem", code, detail);
      this.problems.add(code);
    },
    solve(...codes) {
      for (const code of codes) if (this.problems.delete(code)) this.$emit("cured", code);
    },
  },
};

function latencyOf(ctx) {
  return IS_FIREFOX ? FIREFOX_LATENCY_S : ctx.outputLatency || ctx.baseLatency || 0;
}

function contextAt(rate) {
  const latencyHint = 0; // "interactive" is silent 10 ms later over speech, in Chromium
  try {
    return new AudioContext({ sampleRate: rate, latencyHint });
  } catch {
    return new AudioContext({ latencyHint }); // the ring plays at any rate
  }
}
