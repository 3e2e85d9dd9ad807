// Silences a reply in the browser, before any round trip. NOTE: its other half is Silencer in spoken_replies.py; mic.js calls
// `frame`, `silence` and `unlock`.
//
// At the first sign of speech the speaker is ducked. If it turns out to be words, it is stopped; if not, the reply goes
// on where it was. While the server hears speech and this is open, `pending` keeps it ducked.

const LOUD_DB = -52; // dBFS; quiet speech close to a laptop, as noise suppression leaves its beginning
const ABOVE_DB = 10; // over what the microphone hears otherwise
const LOUD_FRAMES = 2; // of 20 ms: one alone is a click
const QUIET_MS = 500; // after the last loud frame: a server would have noticed by now
const LONGEST_MS = 1500;
const RAISED_DB = -34; // as high as what was no speech raises the bar: an echo is lower, speech is louder
const EASE_DB = 3 / 50; // per frame: how fast it comes down again
const TAIL_MS = 200; // the room's echo after the end

export default {
  template: `<span hidden></span>`,
  props: { mic: Number, speaker: Number, halfDuplex: Boolean, givesWay: Boolean, pending: Boolean },
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
    this.loudFrames = 0;
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
      const now = performance.now();
      const playing = this.isPlaying();
      if (playing) this.playedAt = now;
      mic.gate.close(this.halfDuplex && now - (this.playedAt ?? -TAIL_MS) < TAIL_MS);
      if (this.halfDuplex || mic.byHand || mic.gate.muted) return;
      const db = 10 * Math.log10(power + 1e-9);
      const loud = db > Math.max(this.bar, this.floor + ABOVE_DB);
      if (!loud) this.floor += (db - this.floor) * (db < this.floor ? 0.3 : 0.02);
      this.bar = Math.max(LOUD_DB, this.bar - EASE_DB);
      this.loudFrames = loud ? this.loudFrames + 1 : 0;
      const speaker = getElement(this.speaker);
      if (loud) this.loudAt = now;
      if (this.duckedAt && !speaker?.ducked) {
        this.duckedAt = 0; // stopped meanwhile: it was speech
        this.bar = LOUD_DB;
      }
      if (!playing || !this.givesWay || this.pending) return;
      if (!speaker.ducked && this.loudFrames >= LOUD_FRAMES) {
        speaker.duck();
        this.duckedAt = now;
        this.peak = db;
      } else if (speaker.ducked) {
        this.peak = Math.max(this.peak, db);
        if (now - this.loudAt < QUIET_MS && now - this.duckedAt < LONGEST_MS) return;
        this.bar = Math.max(LOUD_DB, Math.min(RAISED_DB, this.peak + 3)); // it was no speech
        this.duckedAt = 0;
        this.loudFrames = 0;
        speaker.unduck();
      }
    },

    // Report how long after a chunk of the microphone the sound began.
    timeSound(seq) {
      const at = getElement(this.mic)?.delivery.postedAt(seq);
      const soundedAt = getElement(this.speaker)?.soundedAt;
      if (at && soundedAt > at) this.$emit("sounded", seq, soundedAt - at);
    },
  },
};
