// Text that grows: what is added comes as a message of its own. NOTE: its other half is running_text.py.

const early = {}; // by the id of the element: what came before it was mounted
let listening = false;

function listen() {
  if (listening) return;
  listening = true;
  window.socket.on("voice_text", (message) => {
    // As nicegui.js does for its own messages: after a reconnect, the server sends again what did not arrive.
    if (message._id < window.nextMessageId) return;
    window.nextMessageId = message._id + 1;
    const element = getElement(message.id);
    if (element?.put) element.put(message);
    else (early[message.id] ??= []).push(message);
  });
}

export default {
  template: `<div></div>`,
  props: { text: String },
  mounted() {
    this.node = this.$el.appendChild(document.createTextNode(this.text ?? ""));
    const id = this.$el.id.slice(1);
    for (const message of early[id] ?? []) this.put(message);
    delete early[id];
    setTimeout(listen); // NiceGUI makes its socket after the elements
  },
  watch: {
    text(text) {
      this.node.data = text;
    },
  },
  methods: {
    // One text node, so that a word costs no element; at a place, so that what comes twice changes nothing.
    put({ at, text }) {
      if (at === this.node.length) this.node.appendData(text);
      else this.node.data = this.node.data.slice(0, at) + text;
    },
  },
};
