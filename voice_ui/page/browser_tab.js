// What our own page does with the browser's tab: title and icon, what it remembers, when it leaves, keys that work
// everywhere, and a screen that stays on while somebody speaks. NOTE: its other half is browser_tab.py.

const WORDS = {
  opening: "Opening",
  connecting: "Connecting",
  listening: "Listening",
  hearing: "Listening",
  thinking: "Thinking",
  answering: "Answering",
  reconnecting: "Reconnecting",
  error: "Stopped",
};
const COLOURS = { idle: "#0f6b5c", error: "#8a6d00" };
const CHOICES = "voice-ui-choices";
const RUN = "voice-ui-run";
const CONVERSATION = "voice-ui-conversation";

function stored(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null; // a browser may forbid it
  }
}

function store(storage, key, value) {
  try {
    storage().setItem(key, value);
  } catch {}
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // nobody else writes it, but anybody can
  }
}

const isText = (element) => element.closest("input, textarea, select, [contenteditable], .q-dialog, .q-menu");

export default {
  template: `<span hidden></span>`,
  props: { state: String, capturing: Boolean, conversation: String, mic: Number, composer: Number },
  emits: ["introduced", "goodbye", "sight", "interrupt"],

  created() {
    this.found = stored(() => sessionStorage, CONVERSATION); // before this page remembers its own
  },
  mounted() {
    this.icon = document.querySelector("link[rel~=icon]");
    this.iconText = null;
    this.on = [
      [window, "pagehide", () => this.$emit("goodbye")],
      [window, "blur", ({ target }) => target === window && this.release()],
      [document, "visibilitychange", this.handleVisibility],
      [document, "keydown", this.handleKeyDown],
      [document, "keyup", this.handleKeyUp],
    ];
    // An image can be pasted and dropped anywhere on the page.
    for (const [name, handler] of Object.entries({ paste: "handlePaste", dragover: "handleDrag", drop: "handleDrop" })) {
      this.on.push([document.body, name, (event) => !event.defaultPrevented && getElement(this.composer)?.[handler](event), false]);
    }
    // In the capture phase: a focused button would keep the Space key to itself.
    for (const [target, name, handle, early = true] of this.on) target.addEventListener(name, handle, early);
    this.show();
  },
  beforeUnmount() {
    for (const [target, name, handle, early = true] of this.on) target.removeEventListener(name, handle, early);
    this.lock?.release();
  },
  watch: {
    state: "show",
    capturing: "stayAwake",
    conversation(id) {
      store(() => sessionStorage, CONVERSATION, id);
    },
  },

  methods: {
    async show() {
      const word = WORDS[this.state];
      document.title = word ? `${word} – Voice UI` : "Voice UI";
      if (!this.icon) return;
      const colour = COLOURS[this.state] ?? "#b3261e";
      this.iconText ??= await fetch(this.icon.href).then((answer) => answer.text()).catch(() => "");
      if (this.iconText) this.icon.href = `data:image/svg+xml,${encodeURIComponent(this.iconText.replace(/#0f6b5c/, colour))}`;
    },

    async stayAwake() {
      try {
        if (this.capturing && !document.hidden) this.lock ??= await navigator.wakeLock?.request("screen");
      } catch {} // a low battery may refuse it
      if (!this.capturing) {
        this.lock?.release();
        this.lock = null;
      }
    },

    handleVisibility() {
      this.$emit("sight", !document.hidden);
      this.lock = null; // the browser takes it from a hidden tab
      this.stayAwake();
    },

    handleKeyDown(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (isText(event.target) && (event.code !== "Escape" || !event.target.closest(".vp-composer"))) return;
      const watcher = getElement(this.mic)?.watcher; // of a reply that is played: see barge_in.js
      if (event.code === "Escape") {
        watcher?.silence();
        this.$emit("interrupt");
      }
      if (event.code === "Space" && watcher?.interrupt()) {
        event.preventDefault();
        event.stopPropagation();
        return;
      }
      if (event.code !== "Space" || !this.capturing || !getElement(this.mic)?.byHand) return;
      // Push to talk: nobody else gets the key, not even the button that has the focus.
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) getElement(this.mic).hold(event);
      this.holding = true;
    },
    // Wherever the focus is by now: a key that is up holds nothing.
    handleKeyUp(event) {
      if (event.code !== "Space" || !this.holding) return;
      event.preventDefault();
      event.stopPropagation();
      this.release();
    },
    release() {
      this.holding = false;
      getElement(this.mic)?.release();
    },

    // Say what this tab remembers: the run of the program it talked to before, the conversation, and what was chosen in
    // this browser.
    introduce(run) {
      const before = stored(() => sessionStorage, RUN);
      store(() => sessionStorage, RUN, run);
      const conversation = this.found ?? stored(() => sessionStorage, CONVERSATION);
      this.found = null;
      this.$emit("introduced", { before, conversation, choices: stored(() => localStorage, CHOICES) });
    },
    // What has changed, and nothing else: another tab may have chosen other things. A null is the owner's default again.
    remember(changes) {
      const all = { ...parsed(stored(() => localStorage, CHOICES)), ...changes };
      const kept = Object.entries(all).filter(([, value]) => value !== null);
      store(() => localStorage, CHOICES, JSON.stringify(Object.fromEntries(kept)));
    },
  },
};
