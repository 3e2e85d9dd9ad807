// The microphone: this half owns the device, mic.py the state. Audio leaves here as chunks of 16-bit mono PCM.

import { Delivery, isPolling } from "mic_delivery";
import { contextAt, letGo, permission, streamFrom, wasWithdrawn } from "mic_device";
import { Gate } from "mic_gate";
import { watchRelease } from "mic_release";

const FRAME_MS = 20; // NOTE: CHUNK_MS in audio.py
const TICK_MS = 250;
const LATE_MS = 1000; // a device that delivers no frame for this long is not working
const FIRST_MS = 2000; // Firefox takes a second to begin, on a busy machine
const SUSPENDED_MS = 3000; // a Bluetooth headset may need two seconds to switch
const PROMPT_MS = 10_000;
const SILENT_FRAMES = 10_000 / FRAME_MS;
const APART_MS = 60_000; // without a server for this long: let go of the microphone
const LOUD = 10 ** -4.5; // -45 dBFS: somebody speaks
const HELLO_MS = 1000;
const FLUSH_MS = 200;
const LEVELS = 25; // steps of --mic-level: each makes the browser lay out and paint

export default {
  template: `<span style="display: contents"><slot></slot></span>`,
  props: {
    rate: Number, constraints: Object, device: String, byHand: Boolean, chunkMs: Number, levelOn: Number,
  },
  emits: [
    "hello", "several", "starting", "started", "chunk", "stopped", "problem", "cured", "muted", "held", "released",
    "devices", "painted",
  ],

  created() {
    this.delivery = new Delivery(+this.$attrs.id?.slice(1), (...event) => this.$emit(...event));
    this.gate = new Gate((...event) => this.post(...event));
    this.run = null; // the capture under way
    this.closing = null; // the end of the one before
    this.ending = null; // the capture that is ending
    this.level = 0;
    this.apartMs = 0; // of speech since the server is away
    this.stopWatching = () => {};
    this.watcher = null; // of replies that are played: see barge_in.js
    this.configure();
  },
  computed: {
    wish() {
      return JSON.stringify([this.device, this.constraints]); // NiceGUI makes new objects at every update
    },
  },
  watch: {
    wish: "reopen",
    byHand: "configure",
    chunkMs: "configure",
  },
  mounted() {
    // NiceGUI makes its socket after the elements.
    setTimeout(() => {
      window.socket.io.reconnectionDelay(250).reconnectionDelayMax(1000);
      this.delivery.open();
    });
    navigator.mediaDevices?.addEventListener("devicechange", this.reportDevices);
  },
  beforeUnmount() {
    navigator.mediaDevices?.removeEventListener("devicechange", this.reportDevices);
    this.stop();
    if (this.ending) this.end(this.ending, "asked"); // now: nobody hears a component that is unmounted
    this.delivery.flush();
    this.delivery.close();
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
        this.watcher?.unlock();
        run.ctx = contextAt(this.rate); // still inside the click, or the browser leaves it suspended
        await this.closing;
        if (run === this.run) await this.open(run);
      } catch (error) {
        await this.fail(run, error.name, error.message);
      }
      if (run !== this.run) letGo(run); // stopped meanwhile; perhaps the question was answered only now
    },

    async open(run) {
      this.post("starting", null);
      run.timer = setInterval(() => this.tick(run), TICK_MS);
      const { wish } = this;
      try {
        run.stream = await streamFrom(this.device, this.constraints);
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
      this.reportDevices(); // their names are known only now
      run.node = new AudioWorkletNode(run.ctx, "mic-frames", {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
        processorOptions: { samples: Math.round((run.ctx.sampleRate * FRAME_MS) / 1000) },
      });
      run.node.port.onmessage = ({ data }) => this.take(run, data);
      run.source.connect(run.node);
      if (wish !== this.wish) this.reopen();
    },

    watchTrack(run) {
      const [track] = run.stream.getAudioTracks();
      run.track = track;
      permission().then((state) => (run.permission = state));
      track.onended = async () => {
        const name = (await wasWithdrawn(run.permission)) ? "withdrawn" : "ended";
        if (track === run.track) this.fail(run, name, track.label);
      };
      track.onmute = () => this.hint(run, "mic-muted");
      track.onunmute = () => this.cure(run, "mic-muted");
      if (track.muted) this.hint(run, "mic-muted");
      else this.cure(run, "mic-muted");
    },

    // Another device, or other constraints: the capture goes on with it, or as it was if it cannot be opened.
    async reopen() {
      const { run, wish } = this;
      if (!run?.node) return;
      const before = run.stream;
      const isOld = () => run !== this.run || wish !== this.wish; // stopped or chosen again meanwhile
      try {
        const stream = await streamFrom(this.device, this.constraints);
        if (isOld()) return letGo({ stream });
        letGo({ stream: before });
        run.source.disconnect();
        run.stream = stream;
        this.watchTrack(run);
        run.source = run.ctx.createMediaStreamSource(stream);
        run.source.connect(run.node);
        run.silent = 0;
        this.cure(run, "mic-kept");
        this.reportDevices();
      } catch (error) {
        if (isOld()) return;
        const isKept = run.stream === before && run.track.readyState === "live";
        if (isKept) this.hint(run, "mic-kept", error.message);
        else this.fail(run, error.name, error.message);
      }
    },

    async reportDevices() {
      const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
      const mics = devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
      const inUse = this.run?.track?.getSettings().deviceId ?? "";
      if (window.socket?.connected) {
        this.$emit("devices", mics.map(({ deviceId, label }) => ({ id: deviceId, label, inUse: deviceId === inUse })));
      }
    },

    configure() {
      this.gate.configure(this.byHand, this.chunkMs);
    },
    mute(muted) {
      this.gate.mute(muted);
    },
    toggleMute() {
      this.mute(!this.gate.muted);
      return this.gate.muted;
    },

    // Push to talk. With the event that began it (keydown or pointerdown), a hold ends by itself where that ends. Both
    // may be called at any time, and as often as one likes; before the first frame, the hold counts from there on.
    hold(pressed) {
      if (!this.run || !this.byHand) return;
      this.watcher?.silence();
      this.stopWatching();
      this.stopWatching = watchRelease(pressed, () => this.release());
      this.gate.press();
    },
    release() {
      this.stopWatching();
      this.gate.release();
    },

    // Report how long after a chunk was captured the screen showed what Python has just sent.
    painted(seq) {
      const at = this.delivery.postedAt(seq);
      if (at) requestAnimationFrame(() => setTimeout(() => this.$emit("painted", seq, performance.now() - at)));
    },

    take(run, { pcm, power, rest }) {
      if (!run.live) this.post("started", { rate: run.ctx.sampleRate, device: run.track.label });
      run.live = true;
      run.idle = 0;
      run.silent = power ? 0 : run.silent + 1; // an open microphone always has some noise; exact zeros are no signal
      if (run.silent === SILENT_FRAMES && !run.hints.has("mic-muted")) this.hint(run, "mic-silent");
      if (window.socket.connected) this.apartMs = 0;
      else if (power > LOUD) this.apartMs += FRAME_MS;
      this.cure(run, "mic-no-frames", "mic-suspended", ...(power ? ["mic-silent"] : []));
      this.watcher?.frame(power);
      this.gate.frame(pcm, rest);
      this.paint(power);
    },

    tick(run) {
      run.idle += TICK_MS;
      run.apart = window.socket.connected ? 0 : run.apart + TICK_MS;
      if (run.apart >= APART_MS) return this.stop("server-lost");
      // The hello before may have come too early.
      if (!this.delivery.synced && (run.waited = (run.waited ?? 0) + TICK_MS) % HELLO_MS === 0) this.delivery.hello();
      if (window.socket.connected) isPolling() ? this.hint(run, "page-polling") : this.cure(run, "page-polling");
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
      this.watcher?.stopped();
      this.stopWatching();
      if (run?.timer) this.closing = this.close((this.ending = run), reason); // one not announced yet, start() lets go of
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
      if (run === this.ending) this.end(run, reason);
    },
    end(run, reason) {
      this.ending = null;
      letGo(run);
      this.gate.end();
      this.gate.reset();
      this.paint(0);
      this.post("stopped", reason);
    },

    async fail(run, name, detail) {
      const state = await permission();
      if (run !== this.run) return;
      // NOTE: code_of() in problems.py makes a code of these.
      this.post("problem", {
        name,
        detail,
        secure: window.isSecureContext,
        api: !!(navigator.mediaDevices?.getUserMedia && window.AudioWorkletNode),
        allowed: document.featurePolicy?.allowsFeature("microphone") ?? true,
        opened: !!run.stream,
        permission: state,
      });
      this.stop(["ended", "withdrawn"].includes(name) ? "device-lost" : "failed");
    },

    // A hint does not end the capture, and is taken back when it no longer holds.
    hint(run, code, detail = "") {
      if (!run.hints.has(code)) this.post("problem", { name: code, detail });
      run.hints.add(code);
    },
    cure(run, ...codes) {
      for (const code of codes) if (run.hints.delete(code)) this.post("cured", code);
    },

    post(...event) {
      this.delivery.post(...event);
    },
    resendAfter(last) {
      this.delivery.resendAfter(last);
    },

    paint(power) {
      const loud = Math.min(1, Math.max(0, (10 * Math.log10(power) + 60) / 50)); // -60 dBFS is 0, -10 dBFS is 1
      this.level = power ? Math.max(loud, this.level * 0.85) : 0;
      const shown = (Math.round(this.level * LEVELS) / LEVELS).toFixed(2);
      if (shown === this.shown && this.levelOn === this.shownOn) return; // in a quiet room there is nothing to paint
      Object.assign(this, { shown, shownOn: this.levelOn });
      this.painting ??= requestAnimationFrame(() => {
        this.painting = null;
        const element = this.levelOn ? getHtmlElement(this.levelOn) : this.$el;
        element?.style?.setProperty("--mic-level", this.shown);
      });
    },
  },
};
