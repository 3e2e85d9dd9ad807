// Text that grows: what is added comes as a message of its own. NOTE: its other half is running_text.py.

const early = {}; // by the id of the element: what came before it was mounted
let listening = false;
// What of a text was not heard (yet) is marked by a range: the text stays one node.
const unheard = window.Highlight && new Highlight();
if (unheard) CSS.highlights.set("vp-unheard", unheard);

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
  props: { text: String, heard: Number, place: Number },
  mounted() {
    this.node = this.$el.appendChild(document.createTextNode(this.text ?? ""));
    if (this.place != null) this.$el.style.order = this.place;
    const id = this.$el.id.slice(1);
    for (const message of early[id] ?? []) this.put(message);
    delete early[id];
    this.mark(this.heard ?? null);
    setTimeout(listen); // NiceGUI makes its socket after the elements
  },
  beforeUnmount() {
    this.mark(null);
  },
  watch: {
    text(text) {
      this.node.data = text;
    },
    heard: "mark",
  },
  methods: {
    // Grey from this character on; null: nothing.
    mark(heard) {
      this.heardTo = heard ?? null;
      if (heard == null) delete this.$el.dataset.heard;
      else this.$el.dataset.heard = heard;
      if (this.range) unheard.delete(this.range);
      this.range = null;
      if (!unheard || heard == null || heard >= this.node.length) return;
      this.range = new Range();
      this.range.setStart(this.node, heard);
      this.range.setEnd(this.node, this.node.length);
      unheard.add(this.range);
    },
    // One text node, so that a word costs no element; at a place, so that what comes twice changes nothing.
    put({ at, text, heard, place }) {
      if (place !== undefined) return void (this.$el.style.order = place);
      if (text === undefined) return this.mark(heard);
      if (at === this.node.length) this.node.appendData(text);
      else this.node.data = this.node.data.slice(0, at) + text;
      if (this.heardTo != null) this.mark(this.heardTo);
    },
  },
};
