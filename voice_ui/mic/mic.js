// The microphone: this half owns the device, mic.py the state. Sound leaves here in 20 ms chunks of 16-bit mono PCM.

import { Delivery } from "mic_delivery";

const FRAME_MS = 20; // NOTE: CHUNK_MS in audio.py
const TICK_MS = 250;
const LATE_MS = 1000; // a device that gives no frame for so long is not working
const FIRST_MS = 2000; // Firefox takes a second to begin, on a busy machine
const SUSPENDED_MS = 3000; // a Bluetooth headset may need two seconds to switch
const PROMPT_MS = 10_000;
const SILENT_FRAMES = 10_000 / FRAME_MS;
const APART_MS = 60_000; // without a server for so long: let go of the microphone
const FLUSH_MS = 200;
const BEFORE_FRAMES = 200 / FRAME_MS;

function contextAt(rate) {
  let ctx;
  try {
    ctx = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
  } catch {
    ctx = new AudioContext({ latencyHint: "interactive" }); // any rate is better than none
  }
  ctx.resume().catch(() => {}); // tick() looks at the outcome: the promise may stay open for ever
  return ctx;
}

function release(run) {
  clearInterval(run.timer);
  if (run.node) run.node.port.onmessage = null;
  run.stream?.getTracks().forEach((track) => track.stop());
  if (run.ctx && run.ctx.state !== "closed") run.ctx.close().catch(() => {});
}

export default {
  template: `<span style="display: contents"><slot></slot></span>`,
  props: { rate: Number, constraints: Object, device: String, byHand: Boolean, levelOn: String },
  emits: [
    "hello", "starting", "started", "chunk", "stopped", "problem", "cured", "muted", "held", "released", "devices", "painted",
  ],

  created() {
    this.delivery = new Delivery((...event) => this.$emit(...event));
    this.run = null; // the capture under way
    this.closing = null; // the end of the one before
    this.level = 0;
    this.muted = false;
    this.held = false; // by hand, sound goes out only while this holds
    this.letGo = false; // and until the frame under way is full
    this.before = []; // the last frames before that
  },
  computed: {
    wish() {
      return JSON.stringify([this.device, this.constraints]); // NiceGUI makes new objects at every update
    },
  },
  watch: { wish: "reopen" },
  mounted() {
    // NiceGUI makes its socket after the elements.
    setTimeout(() => {
      window.socket.io.reconnectionDelay(250).reconnectionDelayMax(1000);
      this.delivery.open();
    });
    navigator.mediaDevices?.addEventListener("devicechange", this.tellDevices);
  },
  beforeUnmount() {
    this.delivery.close();
    navigator.mediaDevices?.removeEventListener("devicechange", this.tellDevices);
    this.stop();
  },

  methods: {
    toggle() {
      if (this.run) this.stop();
      else this.start();
    },

    async start() {
      if (this.run) return;
      const run = (this.run = { idle: 0, apart: 0, silent: 0, live: false, hints: new Set() });
      try {
        run.ctx = contextAt(this.rate); // still inside the click, or the browser leaves it suspended
        await this.closing;
        if (run === this.run) await this.open(run);
      } catch (error) {
        this.fail(run, error.name, error.message);
      }
      if (run !== this.run) release(run); // stopped meanwhile; perhaps the question was answered only now
    },

    async open(run) {
      this.post("starting", null);
      run.timer = setInterval(() => this.tick(run), TICK_MS);
      try {
        run.stream = await this.ask();
      } finally {
        this.cure(run, "mic-prompt-pending");
      }
      if (run !== this.run) return;
      run.idle = 0;
      this.watchTrack(run);
      try {
        run.source = run.ctx.createMediaStreamSource(run.stream);
      } catch (error) {
        if (error.name !== "NotSupportedError") throw error; // older Firefox joins only equal rates
        run.ctx.close();
        run.ctx = contextAt();
        run.source = run.ctx.createMediaStreamSource(run.stream);
      }
      await run.ctx.audioWorklet.addModule(import.meta.resolve("mic_frames"));
      if (run !== this.run) return;
      this.tellDevices(); // their names may be told only now
      run.node = new AudioWorkletNode(run.ctx, "mic-frames", {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
        processorOptions: { samples: Math.round((run.ctx.sampleRate * FRAME_MS) / 1000) },
      });
      run.node.port.onmessage = ({ data }) => this.take(run, data);
      run.source.connect(run.node);
    },

    async ask() {
      const audio = { channelCount: 1, ...this.constraints };
      try {
        // Chromium takes an ideal device for no wish at all.
        const device = this.device && { deviceId: { exact: this.device } };
        return await navigator.mediaDevices.getUserMedia({ audio: { ...audio, ...device } });
      } catch (error) {
        if (error.name !== "OverconstrainedError") throw error;
        return navigator.mediaDevices.getUserMedia({ audio }); // one that is gone must not leave us mute
      }
    },

    watchTrack(run) {
      [run.track] = run.stream.getAudioTracks();
      run.track.onended = () => this.fail(run, "ended", run.track.label);
      run.track.onmute = () => this.hint(run, "mic-silent", "muted by the browser or the system");
    },

    // Another device, or another way of listening: the capture goes on with it.
    async reopen() {
      const run = this.run;
      if (!run?.node) return;
      try {
        const stream = await this.ask();
        if (run !== this.run) return stream.getTracks().forEach((track) => track.stop());
        run.track.onended = run.track.onmute = null;
        run.stream.getTracks().forEach((track) => track.stop());
        run.source.disconnect();
        run.stream = stream;
        this.watchTrack(run);
        run.source = run.ctx.createMediaStreamSource(stream);
        run.source.connect(run.node);
        run.silent = 0;
        this.tellDevices();
      } catch (error) {
        this.fail(run, error.name, error.message);
      }
    },

    async tellDevices() {
      const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
      const mics = devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
      const inUse = this.run?.track?.getSettings().deviceId ?? "";
      if (window.socket?.connected) {
        this.$emit("devices", mics.map(({ deviceId, label }) => ({ id: deviceId, label, inUse: deviceId === inUse })));
      }
    },

    mute(muted) {
      if (muted === this.muted) return;
      this.muted = muted;
      this.post("muted", muted);
    },

    hold() {
      if (this.held || !this.run?.live) return;
      this.held = true;
      this.letGo = false;
      this.post("held", null);
      for (const pcm of this.before.splice(0)) this.postChunk(pcm); // who presses as they speak loses no sound
    },
    release() {
      this.letGo = this.held;
    },

    postChunk(pcm) {
      this.post("chunk", btoa(String.fromCharCode(...new Uint8Array(pcm))));
    },

    pass(pcm) {
      if (this.muted) return;
      if (!this.byHand || this.held) this.postChunk(pcm);
      else if (this.before.push(pcm) > BEFORE_FRAMES) this.before.shift();
      if (!this.letGo) return;
      this.held = this.letGo = false;
      this.post("released", null);
    },

    // Tell how long after a chunk was captured the screen showed what Python has just sent.
    painted(seq) {
      const at = this.delivery.postedAt(seq);
      if (at) requestAnimationFrame(() => setTimeout(() => this.$emit("painted", seq, performance.now() - at)));
    },

    take(run, { pcm, power }) {
      if (!run.live) this.post("started", { rate: run.ctx.sampleRate, device: run.track.label });
      run.live = true;
      run.idle = 0;
      run.silent = power ? 0 : run.silent + 1; // a live microphone always rustles; only nothing is exactly nothing
      if (run.silent === SILENT_FRAMES) this.hint(run, "mic-silent");
      this.cure(run, "mic-no-frames", "mic-suspended", ...(power ? ["mic-silent"] : []));
      this.pass(pcm);
      this.paint(power);
    },

    tick(run) {
      run.idle += TICK_MS;
      run.apart = window.socket.connected ? 0 : run.apart + TICK_MS;
      if (run.apart >= APART_MS) return this.stop("server-lost");
      if (!this.delivery.synced) this.delivery.hello(); // the one before may have come too early
      if (!run.stream) return run.idle >= PROMPT_MS && this.hint(run, "mic-prompt-pending");
      if (run.idle < (run.live ? LATE_MS : FIRST_MS)) return;
      const suspended = run.ctx.state !== "running"; // or "interrupted", by a phone call
      if (suspended) run.ctx.resume().catch(() => {});
      this.hint(run, suspended ? "mic-suspended" : "mic-no-frames");
      if (suspended && !run.live && run.idle >= SUSPENDED_MS) this.stop("failed");
    },

    stop(reason = "asked") {
      const run = this.run;
      this.run = null;
      this.before = [];
      if (run?.timer) this.closing = this.close(run, reason); // one not announced yet, start() releases
    },

    async close(run, reason) {
      clearInterval(run.timer);
      if (run.live) {
        await new Promise((done) => {
          run.node.port.onmessage = ({ data }) => (data ? this.take(run, data) : done());
          run.node.port.postMessage("flush");
          setTimeout(done, FLUSH_MS); // a suspended context never answers
        });
      }
      release(run);
      this.held = this.letGo = false;
      this.paint(0);
      this.post("stopped", reason);
    },

    fail(run, name, detail) {
      if (run !== this.run) return;
      // NOTE: code_of() in problems.py makes a code of these.
      this.post("problem", {
        name,
        detail,
        secure: window.isSecureContext,
        api: !!(navigator.mediaDevices?.getUserMedia && window.AudioWorkletNode),
        allowed: document.featurePolicy?.allowsFeature("microphone") ?? true,
        opened: !!run.stream,
      });
      this.stop(name === "ended" ? "device-lost" : "failed");
    },

    // A hint does not end the capture, and is taken back when it no longer holds.
    hint(run, code, detail = "") {
      if (!run.hints.has(code)) this.post("problem", { name: code, detail });
      run.hints.add(code);
    },
    cure(run, ...codes) {
      for (const code of codes) if (run.hints.delete(code)) this.post("cured", code);
    },

    post(name, body) {
      this.delivery.post(name, body);
    },
    resendAfter(last) {
      this.delivery.resendAfter(last);
    },

    paint(power) {
      const loud = Math.min(1, Math.max(0, (10 * Math.log10(power) + 60) / 50)); // -60 dBFS is 0, -10 dBFS is 1
      this.level = power ? Math.max(loud, this.level * 0.85) : 0;
      this.painting ??= requestAnimationFrame(() => {
        this.painting = null;
        const element = this.levelOn ? document.querySelector(this.levelOn) : this.$el;
        element?.style.setProperty("--mic-level", this.level.toFixed(3));
      });
    },
  },
};
