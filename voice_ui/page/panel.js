// The root of a panel: what only the browser can do for it. NOTE: its other half is panel.py.
//
// Nothing outside this element is touched: a page may hold several panels, and things of others.

const OFFLINE_MS = 2000; // a short break is not worth a message
const AGAIN_MS = 1000;
const HAND_IN_MS = 10_000;
const APART_MS = 500; // pages that are sent away together come back one after the other

// What was said there, as it was written: a reply without its formatting.
function written(element) {
  const replies = [...(element?.querySelectorAll(".vp-text") ?? [])].map(({ reply }) => reply.source);
  return (replies.length ? replies.join("\n\n") : element?.innerText ?? "").trim();
}

const panels = new Set(); // those on this page
let isIntercepted = false;

// Where another process answers, NiceGUI loads the page again: what it shows is handed in first. And a page that could
// not be loaded stays what it is.
function interceptReload() {
  if (isIntercepted) return;
  isIntercepted = true;
  const usual = window.socket.listeners("connect_error");
  let timedOut = false;
  window.socket.off("connect_error");
  window.socket.on("connect_error", async (error) => {
    if (error.message === "timeout" && timedOut) return;
    timedOut ||= error.message === "timeout";
    const reloads = error.message === "Implicit handshake failed";
    const answers = reloads ? await Promise.all([...panels].map((panel) => panel.handIn())) : [];
    if (answers.every(Boolean)) usual.forEach((handle) => handle(error));
    else setTimeout(() => window.socket.connect(), AGAIN_MS);
  });
}

export default {
  template: `<div :class="{ 'vp-offline': offline }" :data-plain="plain"><slot /></div>`,
  props: { mic: Number, place: String, plain: Boolean },
  data: () => ({ offline: false }),

  created() {
    // What another process needs to go on with the conversation; in this page's memory only. NOTE: keeper.py.
    this.kept = new Map(); // texts of items by id
    this.head = this.signature = "";
    this.drafts = []; // what is still being written, and not signed
  },
  mounted() {
    const status = this.$el.querySelector("[data-testid=status]");
    this.watching = new MutationObserver(() => this.noteState(status.dataset.state));
    this.watching.observe(status, { attributes: true, attributeFilter: ["data-state"] });
    this.noteState(status.dataset.state);
    // NiceGUI creates its socket after the elements.
    panels.add(this);
    setTimeout(() => {
      interceptReload();
      window.socket.on("disconnect", this.handleDisconnect);
      window.socket.on("connect", this.handleConnect);
    });
  },
  beforeUnmount() {
    clearTimeout(this.timer);
    panels.delete(this);
    this.watching.disconnect();
    window.socket?.off("disconnect", this.handleDisconnect);
    window.socket?.off("connect", this.handleConnect);
  },

  watch: {
    async plain() {
      await this.$nextTick();
      for (const text of this.$el.querySelectorAll(".vp-text")) text.reply.show();
    },
  },

  methods: {
    // The program behind the page is gone: only the page itself can report it.
    handleDisconnect() {
      this.lastState = this.state;
      this.lostAt = performance.now();
      this.timer ??= setTimeout(() => (this.offline = true), OFFLINE_MS);
    },
    handleConnect() {
      clearTimeout(this.timer);
      this.timer = null;
      this.offline = false;
    },

    // The program is about to end: look for another one.
    reconnect() {
      setTimeout(() => window.socket.io.engine.close(), Math.random() * APART_MS);
    },

    noteState(state) {
      if (state === "hearing" && this.state !== "hearing") this.heardAt = performance.now();
      this.state = state;
    },

    keep(changes, head, signature, drafts) {
      for (const [id, text] of changes) text === null ? this.kept.delete(id) : this.kept.set(id, text);
      Object.assign(this, { head, signature, drafts });
    },

    // Return whether the page may be loaded again.
    async handIn() {
      if (!this.head) return true;
      const text = (kind) => written(this.$el.querySelector(`.vp-transcript [data-testid=${kind}]`));
      const drafts = this.drafts.map((item) => ({
        ...item,
        parts: [text(item.role === "user" ? "heard" : "response")].filter(Boolean),
        status: item.role === "user" ? "failed" : "lost",
      }));
      const unheard = this.lastState === "hearing" || drafts.some(({ role }) => role === "user");
      const apart = getElement(this.mic)?.apartMs ?? 0;
      const body = JSON.stringify({
        tab: window.socket.io.opts.query.tab_id,
        place: this.place,
        items: [...this.kept.values()],
        head: this.head,
        signature: this.signature,
        drafts: drafts.filter(({ parts }) => parts.length).map((item) => JSON.stringify(item)),
        lostMs: apart + (unheard ? this.lostAt - (this.heardAt ?? this.lostAt) : 0),
        // NOTE: a program that drains has closed the microphone itself.
        talking: !["idle", "error"].includes(this.lastState) || !!this.$el.querySelector("[data-code=program-restarting]"),
      });
      try {
        const signal = AbortSignal.timeout(HAND_IN_MS);
        const answer = await fetch(`${window.path_prefix}/_voice_ui/conversation`, { method: "POST", body, signal });
        return answer.status < 500;
      } catch {
        return false;
      }
    },

    // The conversation as Markdown: what was typed or heard, and what the model wrote.
    conversation() {
      const said = [...this.$el.querySelectorAll("[data-speaker]")].map((one) => [one.dataset.speaker, written(one)]);
      return said.filter(([, text]) => text).map(([speaker, text]) => `**${speaker}:** ${text}\n`).join("\n");
    },
    copyConversation() {
      Quasar.copyToClipboard(this.conversation());
    },
    downloadConversation() {
      const name = `conversation-${new Date().toISOString().slice(0, 16).replace(":", "-")}.md`;
      Quasar.exportFile(name, this.conversation(), "text/markdown");
    },
  },
};
