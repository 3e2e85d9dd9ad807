// Text that grows: what is added comes as a message of its own. NOTE: its other half is running_text.py.

import { ReplyText } from "reply_text";

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
  props: { text: String, heard: Number, done: Boolean, place: Number },
  mounted() {
    this.reply = new ReplyText(this.$el);
    this.reply.set(this.text ?? "");
    if (this.place != null) this.$el.style.order = this.place;
    const id = this.$el.id.slice(1);
    for (const message of early[id] ?? []) this.put(message);
    delete early[id];
    if (this.done) this.finish();
    if (this.heard != null) this.reply.mark(this.heard);
    setTimeout(listen); // NiceGUI makes its socket after the elements
  },
  beforeUnmount() {
    this.reply.remove();
  },
  watch: {
    text(text) {
      this.reply.set(text);
    },
    heard(heard) {
      this.reply.mark(heard ?? null);
    },
    done(done) {
      if (done) this.finish();
    },
  },
  methods: {
    put({ at, text, heard, done, place }) {
      if (place !== undefined) this.$el.style.order = place;
      else if (done) this.finish();
      else if (text === undefined) this.reply.mark(heard);
      else this.reply.put(at, text);
    },
    finish() {
      this.reply.finish();
      this.$el.translate = true; // nothing changes any more
    },
  },
};
