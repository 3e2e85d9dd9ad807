// A line to type in. It is emptied here and not by Python: what is typed during a slow round trip must stay.
// NOTE: its other half is composer.py.
export default {
  template: `
    <div class="vp-composer" data-testid="composer" translate="no">
      <q-input ref="line" v-model="text" outlined dense placeholder="Type a message" aria-label="Message" autocomplete="off"
        :maxlength="longest" @keydown.enter="handleEnter" />
      <q-btn flat round icon="send" class="vp-send" aria-label="Send" @mousedown.prevent @click="send" />
    </div>`,
  props: { longest: Number },
  emits: ["message"],
  data: () => ({ text: "" }),
  methods: {
    handleEnter(event) {
      if (event.isComposing) return; // Enter ends the composition of a character
      event.preventDefault();
      this.send();
    },
    send() {
      const text = String(this.text ?? "").trim();
      if (text) this.$emit("message", text);
      this.text = "";
      this.$refs.line.focus();
    },
  },
};
