// Text that grows: what is added comes as a message of its own. NOTE: its other half is running_text.py.
//
// The properties count only when it is mounted: an update of the element may wait for a component to be loaded, and then
// tells of a text that has grown since.

import { ReplyText } from "reply_text";

const early = {}; // by the id of the element: what came before it was mounted
const left = new Map(); // what was shown when it was unmounted: a dialog that closes does so, and mounts it again
const LEFT = 50;
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
    const id = this.$el.id.slice(1);
    const props = { text: this.text ?? "", heard: this.heard, done: this.done, place: this.place };
    const before = left.get(id);
    const { text, heard, done, place } = before?.text.length >= props.text.length ? before : props;
    this.reply.set(text);
    if (place) this.$el.style.order = place;
    if (heard != null) this.reply.mark(heard);
    for (const message of early[id] ?? []) this.put(message);
    delete early[id];
    left.delete(id);
    if (done) this.finish();
    setTimeout(listen); // NiceGUI makes its socket after the elements
  },
  beforeUnmount() {
    const { source: text, heard, isOpen } = this.reply;
    left.set(this.$el.id.slice(1), { text, heard, done: !isOpen, place: this.$el.style.order });
    if (left.size > LEFT) left.delete(left.keys().next().value);
    this.reply.remove();
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
