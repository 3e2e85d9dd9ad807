// A call of a tool: name and state in one line, arguments and result folded; buttons while it waits for a person.
// NOTE: its other half is ToolCall in tool_calls.py. Everything that a model or a tool wrote is text, never markup.

const WORDS = { waiting: "waiting for your approval", running: "running", done: "done", failed: "failed", refused: "refused" };

export default {
  template: `
    <div class="vp-call" data-testid="tool" data-speaker="Tool" :data-name="name" :data-status="status" translate="no">
      <details :open="open || status === 'waiting'">
        <summary @click="toggle">
          <span class="vp-call-name">{{ name }}</span><span v-if="server" class="vp-call-server"> ({{ server }})</span>:
          <span class="vp-call-state" role="status">{{ words }}</span>
          <span v-if="time" class="vp-call-time" aria-hidden="true">{{ time }}</span>
        </summary>
        <div class="vp-call-label">Arguments</div>
        <pre dir="auto" tabindex="0" :aria-label="'Arguments of ' + name">{{ given }}</pre>
        <template v-if="result">
          <div class="vp-call-label">Result</div>
          <pre dir="auto" tabindex="0" :aria-label="'Result of ' + name">{{ result }}</pre>
        </template>
        <q-btn v-if="event != null" flat dense no-caps size="sm" class="vp-call-event" @click="$emit('show', event)">Show event</q-btn>
      </details>
      <div v-if="status === 'waiting'" class="vp-call-actions" role="group" :aria-label="'Approve ' + name + '?'">
        <q-btn unelevated no-caps data-testid="approve" :aria-label="'Approve ' + name" @click="$emit('decide', true)">Approve</q-btn>
        <q-btn outline no-caps data-testid="refuse" :aria-label="'Refuse ' + name" @click="$emit('decide', false)">Refuse</q-btn>
      </div>
    </div>`,
  props: { name: String, server: String, status: String, given: String, result: String, seconds: Number, event: Number },
  emits: ["decide", "show"],
  data: () => ({ open: false, ran: 0 }),
  computed: {
    words() {
      return WORDS[this.status] ?? this.status;
    },
    time() {
      if (this.status === "running") return this.ran ? `${this.ran} s` : "";
      return this.seconds == null || this.status === "waiting" ? "" : `${this.seconds.toFixed(1)} s`;
    },
  },
  watch: { status: { immediate: true, handler: "count" } },
  beforeUnmount() {
    clearInterval(this.timer);
  },
  methods: {
    toggle(event) {
      event.preventDefault(); // the state is ours, so that a change of the call does not fold it again
      this.open = !this.open;
    },
    count() {
      clearInterval(this.timer);
      this.ran = 0;
      if (this.status === "running") this.timer = setInterval(() => (this.ran += 1), 1000);
    },
  },
};
