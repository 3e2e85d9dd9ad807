// Silences a reply in the browser, before any round trip. NOTE: its other half is Silencer in spoken_replies.py; mic.js calls
// `frame`, `silence`, `stopped` and `unlock`.
//
// At the first sign of speech the speaker ducks, in its audio thread: this tells it from which loudness on. If it turns
// out to be words, it is stopped; if not, the reply goes on where it was. While the server hears speech and this is open,
// `pending` keeps it ducked.

const LOUD_DB = -52; // dBFS; quiet speech close to a laptop, as noise suppression leaves its beginning
const ABOVE_DB = 10; // over what the microphone hears otherwise
const QUIET_MS = 500; // after the last loud frame: a server would have noticed by now
const LONGEST_MS = 1500;
const RAISED_DB = -34; // as high as what was no speech raises the bar: an echo is lower, speech is louder
const EASE_DB = 3 / 50; // per frame: how fast it comes down again
const TAIL_MS = 200; // the room's echo after the end

export default {
  template: `<span hidden></span>`,
  props: { mic: Number, speaker: Number, active: Boolean, halfDuplex: Boolean, givesWay: Boolean, pending: Boolean },
  emits: ["sounded", "interrupt"],

  watch: {
    pending(pending) {
      const speaker = getElement(this.speaker);
      if (!speaker || !pending) return; // if it is over, the next frame goes on where it was
      this.duckedAt ||= performance.now();
      this.peak ??= LOUD_DB;
      if (this.isPlaying()) speaker.duck();
    },
  },
  created() {
    this.floor = -90;
    this.bar = LOUD_DB;
  },
  mounted() {
    this.panel = this.$el.closest(".voice-panel");
    this.panel?.addEventListener("click", this.tap);
    // The elements that it is about may come with it.
    setTimeout(() => {
      const mic = getElement(this.mic);
      if (mic) mic.watcher = this;
      this.unlock();
    });
  },
  beforeUnmount() {
    this.panel?.removeEventListener("click", this.tap);
    const mic = getElement(this.mic);
    if (mic?.watcher === this) mic.watcher = null;
    mic?.gate.close(false);
    this.deafen();
  },

  methods: {
    unlock() {
      getElement(this.speaker)?.unlock();
    },
    isPlaying() {
      return ["playing", "held"].includes(getElement(this.speaker)?.state);
    },

    // Silent for good: Escape, Stop, push to talk.
    silence() {
      const speaker = getElement(this.speaker);
      const active = !!speaker && speaker.stream > speaker.stopped && speaker.received > speaker.heard;
      if (active) speaker.stop();
      return active;
    },
    stopped() {
      this.silence();
      this.deafen();
    },
    deafen() {
      getElement(this.speaker)?.duckAbove(Infinity);
      if (this.clean) this.hearRaw(null);
    },
    // Where the microphone is silent during a reply, a tap on the conversation interrupts it; so does the Space key.
    tap({ target }) {
      if (target.closest(".vp-conversation") && !target.closest("button, a, summary")) this.interrupt();
    },
    interrupt() {
      const interrupts = this.halfDuplex && this.isPlaying() && this.silence();
      if (interrupts) this.$emit("interrupt");
      return interrupts;
    },

    // What the microphone hears: 20 ms of this power.
    frame(power) {
      const mic = getElement(this.mic);
      const speaker = getElement(this.speaker);
      const now = performance.now();
      const playing = this.isPlaying();
      if (playing) this.playedAt = now;
      mic.gate.close(this.halfDuplex && now - (this.playedAt ?? -TAIL_MS) < TAIL_MS);
      const listens = this.active && !this.halfDuplex && !mic.byHand && !mic.gate.muted;
      if (!listens) {
        if (speaker?.ducked && !this.pending) speaker.unduck();
        return this.deafen();
      }
      if (mic.run && mic.run.stream !== this.clean) this.hearRaw(mic.run.stream);
      const db = 10 * Math.log10(power + 1e-9);
      if (db > Math.max(this.bar, this.floor + ABOVE_DB)) this.loudAt = now;
      else this.floor += (db - this.floor) * (db < this.floor ? 0.3 : 0.02);
      this.loudAt = Math.max(this.loudAt ?? 0, speaker?.loudAt ?? 0);
      this.bar = Math.max(LOUD_DB, this.bar - EASE_DB);
      if (this.duckedAt && !speaker?.ducked) {
        this.duckedAt = 0; // stopped meanwhile: it was speech
        this.bar = LOUD_DB;
      } else if (!this.duckedAt && speaker?.ducked) {
        this.duckedAt = this.loudAt = now;
        this.peak = db;
      }
      this.peak = Math.max(this.peak, db);
      const isQuiet = now - this.loudAt >= QUIET_MS || now - this.duckedAt >= LONGEST_MS;
      const goesOn = this.duckedAt && playing && !this.pending && isQuiet; // it was no speech
      if (goesOn) {
        this.bar = Math.max(LOUD_DB, Math.min(RAISED_DB, this.peak + 3));
        this.duckedAt = 0;
      }
      const above = Math.round(Math.max(this.bar, this.floor + ABOVE_DB));
      speaker?.duckAbove(this.givesWay && !this.pending ? 10 ** (above / 10) : Infinity, this.clean, this.raw);
      if (goesOn) speaker.unduck();
    },

    // An echo canceller takes the begin of what is said over a reply for an echo, for a second at worst: hear the
    // microphone without it, too. On phones, and in other browsers than Chromium, a second capture may end the first.
    async hearRaw(clean) {
      this.raw?.getTracks().forEach((track) => track.stop());
      this.raw = null;
      this.clean = clean;
      const request = (this.request = {});
      const { deviceId, echoCancellation } = clean?.getAudioTracks()[0].getSettings() ?? {};
      if (!echoCancellation || navigator.userAgentData?.mobile !== false) return;
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const audio = { deviceId: { exact: deviceId }, channelCount: 1, ...plain };
      const raw = await navigator.mediaDevices.getUserMedia({ audio }).catch(() => null);
      if (request === this.request) this.raw = raw;
      else raw?.getTracks().forEach((track) => track.stop());
    },

    // Report how long after a chunk of the microphone the sound began.
    timeSound(seq) {
      const at = getElement(this.mic)?.delivery.postedAt(seq);
      const soundedAt = getElement(this.speaker)?.soundedAt;
      if (at && soundedAt > at) this.$emit("sounded", seq, soundedAt - at);
    },
  },
};
