// An earlier turn: one element, however long its texts are. NOTE: its other half is past_turn.py.

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

export default {
  template: `
    <div class="vp-turn" role="article" translate="no">
      <div v-if="heard" class="vp-heard" dir="auto" data-speaker="You">{{ heard }}</div>
      <slot />
      <div class="vp-response" data-speaker="Model">
        <div v-for="text in texts" dir="auto" :class="['vp-text', { 'vp-preamble': text.preamble }]" :style="{ order: text.place }">{{ text.text
          }}<span v-if="text.unheard" class="vp-unheard">{{ text.unheard }}</span></div>
      </div>
      <div class="vp-figures">
        <div class="vp-latency">{{ words }}</div>
        <div class="vp-mark">{{ mark }}</div>
        <q-btn v-if="texts.length" flat round dense size="sm" icon="content_copy" class="vp-copy" aria-label="Copy this reply"
          @click="copy" />
      </div>
    </div>`,
  props: { heard: String, texts: Array, mark: String, total: Number, answer: Number },
  computed: {
    words() {
      if (this.total == null) return "";
      const answer = this.answer == null ? "" : `, first words of the answer after ${seconds(this.answer)}`;
      return `First words after ${seconds(this.total)}${answer}`;
    },
  },
  methods: {
    copy() {
      Quasar.copyToClipboard(this.texts.map(({ text, unheard }) => text + unheard).join("\n\n"));
    },
  },
};
