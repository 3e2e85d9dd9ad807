// The root of a panel: what only the browser can do for it. NOTE: its other half is panel.py.
//
// Nothing outside this element is touched: a page may hold several panels, and things of others.

const OFFLINE_MS = 2000; // a short break is not worth a message
const APART_MS = 500; // pages that are sent away together come back one after the other

export default {
  template: `<div :class="{ 'vp-offline': offline }"><slot /></div>`,
  data: () => ({ offline: false }),

  mounted() {
    // NiceGUI creates its socket after the elements.
    setTimeout(() => {
      window.socket.on("disconnect", this.handleDisconnect);
      window.socket.on("connect", this.handleConnect);
    });
  },
  beforeUnmount() {
    clearTimeout(this.timer);
    window.socket?.off("disconnect", this.handleDisconnect);
    window.socket?.off("connect", this.handleConnect);
  },

  methods: {
    // The program behind the page is gone: only the page itself can report it.
    handleDisconnect() {
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

    // The conversation as Markdown, made from what is on the screen.
    conversation() {
      const said = [...this.$el.querySelectorAll("[data-speaker]")].filter((element) => element.innerText.trim());
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
