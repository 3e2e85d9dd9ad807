// An earlier turn: one element, however long its texts are. NOTE: its other half is past_turn.py.

import { ReplyText } from "reply_text";

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

export default {
  template: `
    <div class="vp-turn" role="article">
      <div v-if="heard" class="vp-heard" dir="auto" data-speaker="You">{{ heard }}</div>
      <img v-if="image" class="vp-image" :src="image" alt="The image you showed" />
      <slot />
      <div class="vp-response" data-speaker="Model">
        <div v-for="text in texts" dir="auto" :class="['vp-text', { 'vp-preamble': text.preamble }]" :style="{ order: text.place }"></div>
      </div>
      <div class="vp-figures">
        <div class="vp-latency">{{ words }}</div>
        <div class="vp-mark">{{ mark }}</div>
        <q-btn v-if="texts.length" flat round dense size="sm" icon="content_copy" class="vp-copy" aria-label="Copy this reply"
          @click="copy" />
      </div>
    </div>`,
  props: { heard: String, image: String, texts: Array, mark: String, total: Number, answer: Number },
  computed: {
    words() {
      if (this.total == null) return "";
      const answer = this.answer == null ? "" : `, first words of the answer after ${seconds(this.answer)}`;
      return `First words after ${seconds(this.total)}${answer}`;
    },
  },
  mounted() {
    this.show();
  },
  updated() {
    this.show();
  },
  beforeUnmount() {
    for (const element of this.elements()) element.reply.remove();
  },
  methods: {
    elements() {
      return this.$el.querySelectorAll(".vp-text");
    },
    show() {
      const elements = this.elements();
      this.texts.forEach(({ text, heard }, number) => {
        const element = elements[number];
        const reply = element.reply ?? new ReplyText(element);
        reply.isOpen = false;
        reply.set(text);
        if (heard !== reply.heard) reply.mark(heard);
      });
    },
    copy() {
      Quasar.copyToClipboard(this.texts.map(({ text }) => text).join("\n\n"));
    },
  },
};
