// How long a turn took, in words and as a small bar. NOTE: its other half is latency_bar.py.

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

export default {
  template: `
    <div class="vp-latency" translate="no">
      <div v-if="total != null" data-testid="latency" :data-ms="Math.round(total)"
        :data-first-sound-ms="sound == null ? null : Math.round(sound)">{{ words }}</div>
      <div v-else data-testid="latency"></div>
      <template v-if="shares">
        <div class="vp-bar" aria-hidden="true">
          <span v-for="[name, , ms] in parts" :class="name" :style="{ flexGrow: ms }"></span>
        </div>
        <div class="vp-shares">
          <span v-for="[name, label, ms] in parts" :class="name">{{ label }} {{ seconds(ms) }}</span>
        </div>
      </template>
    </div>`,
  props: { total: Number, sound: Number, answer: Number, shares: Object },
  computed: {
    words() {
      const answer = this.answer == null ? "" : `, first words of the answer after ${seconds(this.answer)}`;
      const sound = this.sound == null ? "" : `, first sound after ${seconds(this.sound)}`;
      return `First words after ${seconds(this.total)}${answer}${sound}`;
    },
    parts() {
      const { detection, model, network, ours } = this.shares;
      const all = [
        ["vp-detection", "turn detection", detection],
        ["vp-model", "model", model],
        ["vp-network", "network", network],
        ["vp-ours", "Voice UI", ours],
      ];
      return all.filter(([, , ms]) => ms != null);
    },
  },
  methods: { seconds },
};
