// The root of a panel: what only the browser can do for it. NOTE: its other half is panel.py.
//
// Nothing outside this element is touched: a page may hold several panels, and things of others.

const OFFLINE_MS = 2000; // a short break is not worth a message

export default {
  template: `<div :class="{ 'vp-offline': offline }" :data-plain="plain"><slot /></div>`,
  props: { plain: Boolean },
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

  watch: {
    async plain() {
      await this.$nextTick();
      for (const text of this.$el.querySelectorAll(".vp-text")) text.reply.show();
    },
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

    // The conversation as Markdown: what was typed or heard, and what the model wrote.
    conversation() {
      const said = [...this.$el.querySelectorAll("[data-speaker]")].map((element) => {
        const replies = [...element.querySelectorAll(".vp-text")].map(({ reply }) => reply.source);
        return [element.dataset.speaker, (replies.length ? replies.join("\n\n") : element.innerText).trim()];
      });
      return said.filter(([, text]) => text).map(([speaker, text]) => `**${speaker}:** ${text}\n`).join("\n");
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
