// What belongs to the browser's tab, and not to the page in it: its title and icon, what it remembers, when it leaves,
// keys that work everywhere, and a screen that stays awake while somebody speaks. NOTE: its other half is browser_tab.py.

const LIVE = ["connecting", "listening", "hearing", "thinking", "answering", "reconnecting"];
const WORDS = {
  connecting: "Connecting",
  listening: "Listening",
  hearing: "Listening",
  thinking: "Thinking",
  answering: "Answering",
  reconnecting: "Reconnecting",
  error: "Stopped",
};
const COLOURS = { idle: "#0f6b5c", error: "#8a6d00" };
const SILENT_MS = 2000;
const CHOICES = "voice-ui-choices";
const RUN = "voice-ui-run";

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

const isText = (element) => element.closest("input, textarea, select, [contenteditable], .q-dialog, .q-menu");

export default {
  template: `<span hidden></span>`,
  props: { state: String, capturing: Boolean, mic: Number },
  emits: ["goodbye", "sight", "interrupt"],

  mounted() {
    this.icon = document.querySelector("link[rel~=icon]");
    this.iconText = null;
    this.on = [
      [window, "pagehide", () => this.$emit("goodbye")],
      [window, "blur", ({ target }) => target === window && this.letGo()],
      [document, "visibilitychange", this.see],
      [document, "keydown", this.press],
      [document, "keyup", this.lift],
    ];
    // Captured on the way down: a button keeps the Space key to itself.
    for (const [target, name, handle] of this.on) target.addEventListener(name, handle, true);
    this.show();
    setTimeout(() => {
      window.socket.on("disconnect", this.miss); // NiceGUI makes its socket after the elements
      window.socket.on("connect", this.find);
    });
  },
  beforeUnmount() {
    for (const [target, name, handle] of this.on) target.removeEventListener(name, handle, true);
    this.lock?.release();
    window.socket?.off("disconnect", this.miss);
    window.socket?.off("connect", this.find);
  },
  watch: {
    state: "show",
    capturing: "stayAwake",
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

    see() {
      this.$emit("sight", !document.hidden);
      this.lock = null; // the browser takes it from a tab that is out of sight
      this.stayAwake();
    },

    // The program behind the page is gone: nobody but the page itself can say so.
    miss() {
      this.missing ??= setTimeout(() => document.body.classList.add("out-of-touch"), SILENT_MS);
    },
    find() {
      clearTimeout(this.missing);
      this.missing = null;
      document.body.classList.remove("out-of-touch");
    },

    press(event) {
      if (isText(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.code === "Escape") this.$emit("interrupt");
      if (this.isToTalk(event) && !event.repeat) getElement(this.mic).hold();
    },
    lift(event) {
      if (this.isToTalk(event)) this.letGo();
    },
    // The Space key, where it is held to talk; nobody else gets it then, not even the button that has the focus.
    isToTalk(event) {
      if (event.code !== "Space" || isText(event.target) || !this.capturing || !getElement(this.mic)?.byHand) return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
    letGo() {
      getElement(this.mic)?.release();
    },

    // Return what this tab remembers: the run of the program it talked to before, and what was chosen in this browser.
    introduce(run) {
      const before = stored(() => sessionStorage, RUN);
      store(() => sessionStorage, RUN, run);
      return { before, choices: stored(() => localStorage, CHOICES) };
    },
    remember(choices) {
      store(() => localStorage, CHOICES, choices);
    },

    // The conversation as Markdown; it is made here, from what is on the screen.
    conversation() {
      const said = [...document.querySelectorAll("[data-speaker]")].filter((element) => element.innerText.trim());
      return said.map((element) => `**${element.dataset.speaker}:** ${element.innerText.trim()}\n`).join("\n");
    },
    copyConversation() {
      Quasar.copyToClipboard(this.conversation());
    },
    downloadConversation() {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([this.conversation()], { type: "text/markdown" }));
      link.download = `conversation-${new Date().toISOString().slice(0, 16).replace(":", "-")}.md`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    },
  },
};
