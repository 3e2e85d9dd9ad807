// The inspector's panel: it keeps the rows, and filters, pauses, expands, copies and downloads them.
// NOTE: its other half is inspector.py; the rows are those of inspector_rows.py.
//
// Rows are made by hand and not by Vue: a hundred events a second must cost what ten new rows cost, not a thousand old.

const KEPT = 1000; // NOTE: ROWS_KEPT in inspector.py
const KEPT_CHARACTERS = 10_000_000; // of all rows: a server may send large ones
const EXCERPT = 160; // characters
const SAID_MS = 4000;
const NEAR_THE_END = 40; // pixels: who is so near sees what comes

const isAppend = (row) => row.count !== undefined;
const plain = (number) => Math.round(number).toLocaleString("en-US");
const seconds = (ms) => `${(ms / 1000).toFixed(3)} s`;
const isNoise = (name, value) => value === null || /^(id|object|.*_id)$/.test(name);

// The first words in an event, for one line.
function excerpt({ event, count }) {
  if (count) {
    const { ms, peak_dbfs } = event.audio;
    const level = peak_dbfs === null ? "silence" : `peak ${peak_dbfs.toFixed(1)} dBFS`;
    return `${count > 1 ? `${plain(count)} × · ` : ""}${plain(ms)} ms · ${level}`;
  }
  if (typeof event !== "object" || event === null) return String(event);
  if (event.delta?.ms !== undefined) return `${plain(event.delta.ms)} ms of audio`;
  const words = event.error?.message ?? event.delta ?? event.transcript ?? event.text;
  if (typeof words === "string") return words;
  const { type, ...rest } = event;
  const told = JSON.stringify(rest, (name, value) => (isNoise(name, value) ? undefined : value));
  return told.slice(1, -1).replace(/"(\w+)":/g, "$1: ").replace(/,(?=[\w{["])/g, ", ");
}

// How many of the oldest rows are too many.
function tooMany(rows) {
  let room = KEPT_CHARACTERS;
  for (let kept = 0; kept < rows.length; kept++) {
    room -= rows.at(-1 - kept).size;
    if (kept === KEPT || room < 0) return rows.length - kept;
  }
  return 0;
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

export default {
  props: { load: String },
  template: `
    <aside class="inspector" aria-label="Inspector" data-testid="inspector">
      <div class="inspector-head">
        <h2>Inspector</h2>
        <span ref="count" class="inspector-count" data-testid="inspector-count"></span>
        <span class="inspector-load" data-testid="inspector-load">{{ load }}</span>
        <q-btn flat round dense :icon="paused ? 'play_arrow' : 'pause'" :aria-label="paused ? 'Resume' : 'Pause'"
          data-testid="inspector-pause" @click="pause(!paused)" />
        <q-btn flat round dense icon="download" aria-label="Download as JSON lines" @click="download" />
        <q-btn flat round dense icon="delete_sweep" aria-label="Clear" @click="clear" />
        <q-btn flat round dense icon="close" aria-label="Hide inspector" @click="hide" />
      </div>
      <div class="inspector-filter">
        <q-input dense outlined clearable v-model="filter" label="Filter (-word leaves out)" debounce="150" />
        <q-btn-toggle dense unelevated no-caps v-model="from" aria-label="Direction" role="group" :options="[
          {label: 'All', value: ''}, {label: 'Sent', value: 'client'}, {label: 'Received', value: 'server'}]" />
      </div>
      <div ref="scroller" class="inspector-rows" tabindex="0" role="region" aria-label="Events: arrow keys choose one"
        @keydown.up.prevent="step('previous')" @keydown.down.prevent="step('next')">
        <ol ref="list"></ol>
      </div>
      <p class="inspector-said" role="status">{{ said }}</p>
    </aside>`,
  emits: ["ready", "hide"],

  data: () => ({ paused: false, filter: "", from: "", said: "" }),
  created() {
    this.rows = [];
    this.waiting = []; // while paused
    this.before = document.activeElement;
  },
  mounted() {
    document.body.classList.add("inspecting");
    this.count();
    this.$emit("ready");
  },
  beforeUnmount() {
    document.body.classList.remove("inspecting");
    clearTimeout(this.silence);
  },
  watch: {
    filter: "sift",
    from: "sift",
  },

  methods: {
    add(rows) {
      for (const row of rows) row.size ??= JSON.stringify(row.event).length;
      if (this.paused) {
        this.waiting.push(...rows);
        this.waiting.splice(0, tooMany(this.waiting));
      } else {
        this.keepEnd(() => {
          for (const row of rows) this.append(row);
          for (const row of this.rows.splice(0, tooMany(this.rows))) row.element.remove();
        });
      }
      this.count();
    },
    // Who looks at the end goes on to look at the end.
    keepEnd(change) {
      const { scroller } = this.$refs;
      const following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_THE_END;
      change();
      if (following) scroller.scrollTop = scroller.scrollHeight;
    },
    append(row) {
      const last = this.rows.at(-1);
      if (last && isAppend(last) && isAppend(row)) return this.fold(last, row);
      this.rows.push(row);
      this.draw(row);
      this.$refs.list.append(row.element);
    },
    fold(last, { last: number, count, event }) {
      const levels = [last.event.audio.peak_dbfs, event.audio.peak_dbfs].filter((level) => level !== null);
      last.event.audio.ms += event.audio.ms;
      last.event.audio.peak_dbfs = levels.length ? Math.max(...levels) : null;
      last.last = number;
      last.count += count;
      last.excerpt.textContent = excerpt(last);
      if (last.details.open) this.fill(last);
    },

    draw(row) {
      const sent = row.from === "client";
      row.element = element("li", `inspector-row from-${row.from} ${row.event?.type === "error" ? "is-error" : ""}`);
      row.details = element("details", "");
      const summary = element("summary", "");
      summary.tabIndex = -1; // a thousand stops on the way through the page would be too many: see step
      const arrow = element("span", "inspector-arrow", sent ? "↑" : "↓");
      arrow.setAttribute("role", "img");
      arrow.setAttribute("aria-label", sent ? "sent" : "received");
      row.excerpt = element("span", "inspector-excerpt", excerpt(row).slice(0, EXCERPT));
      summary.append(
        element("span", "inspector-time", seconds(row.at_ms)),
        arrow,
        element("span", "inspector-type", row.event?.type ?? "not an event"),
        row.excerpt,
      );
      row.details.append(summary);
      summary.addEventListener("click", () => row.details.open || this.unfold(row));
      row.element.dataset.number = row.number;
      row.element.append(row.details);
      row.element.hidden = !this.matches(row);
    },
    unfold(row) {
      this.fill(row);
      requestAnimationFrame(() => row.details.scrollIntoView({ block: "nearest" }));
    },
    // The event in full: only here, where somebody asked for it.
    fill(row) {
      row.body?.remove();
      const button = element("button", "inspector-copy", "Copy");
      button.setAttribute("aria-label", `Copy event ${row.number}`);
      button.addEventListener("click", () => this.copy(row));
      const json = element("pre", "", JSON.stringify(row.event, null, 2));
      row.body = element("div", "inspector-event");
      row.body.append(element("span", "inspector-number", `Event ${this.numbers(row)}`), button, json);
      row.details.append(row.body);
    },
    // From one row to the next, by the keyboard; into the list from its end.
    step(way) {
      const rows = this.rows.filter(({ element }) => !element.hidden);
      const place = rows.findIndex(({ element }) => element.contains(document.activeElement));
      const next = place < 0 ? rows.at(-1) : rows[place + (way === "next" ? 1 : -1)];
      next?.details.firstChild.focus();
    },
    numbers: ({ number, last }) => (last > number ? `${number} to ${last}` : `${number}`),

    // Every word must be in the event, and no -word.
    matches({ from, event }) {
      if (this.from && from !== this.from) return false;
      const words = (this.filter ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const text = words.length ? JSON.stringify(event).toLowerCase() : "";
      return words.every((word) => (word.length > 1 && word[0] === "-" ? !text.includes(word.slice(1)) : text.includes(word)));
    },
    sift() {
      this.keepEnd(() => {
        for (const row of this.rows) row.element.hidden = !this.matches(row);
      });
      this.count();
    },
    unsift() {
      this.filter = this.from = "";
      this.sift(); // now, and not when Vue comes to it
    },
    pause(paused) {
      this.paused = paused;
      if (!paused) this.add(this.waiting.splice(0));
      this.count();
    },
    clear() {
      this.rows = [];
      this.waiting = [];
      this.$refs.list.replaceChildren();
      this.count();
    },
    count() {
      const more = this.waiting.length ? `, ${plain(this.waiting.length)} waiting` : "";
      this.$refs.count.textContent = `${plain(this.rows.length)} ${this.rows.length === 1 ? "row" : "rows"}${more}`;
    },

    show(number) {
      if (this.paused) this.pause(false);
      const row = this.rows.find((row) => row.number <= number && number <= (row.last ?? row.number));
      if (!row) return this.say(`Event ${number} is no longer available.`);
      // An error that names one of our events was caused by that.
      const id = row.event?.error?.event_id;
      const cause = id && this.rows.find((row) => row.from === "client" && row.event.event_id === id);
      for (const marked of this.$refs.list.querySelectorAll(".marked")) marked.classList.remove("marked");
      for (const shown of cause ? [cause, row] : [row]) {
        if (shown.element.hidden) this.unsift();
        shown.element.classList.add("marked");
        shown.details.open = true;
        this.fill(shown);
      }
      const target = (cause || row).details;
      target.querySelector("summary").focus({ preventScroll: true });
      target.scrollIntoView({ block: "center" });
    },

    async copy(row) {
      try {
        await Quasar.copyToClipboard(JSON.stringify(row.event, null, 2));
        this.say(`Event ${this.numbers(row)} copied.`);
      } catch {
        this.say("The browser refused to copy.");
      }
    },
    download() {
      const told = ({ number, last, count, at_ms, from, event }) => ({ number, last, count, at_ms, from, event });
      const lines = [...this.rows, ...this.waiting].map((row) => `${JSON.stringify(told(row))}\n`);
      const name = `events-${new Date().toISOString().slice(0, 19).replace(/:/g, "-")}.jsonl`;
      Quasar.exportFile(name, lines.join(""), "application/jsonl");
    },
    say(words) {
      this.said = words;
      clearTimeout(this.silence);
      this.silence = setTimeout(() => (this.said = ""), SAID_MS);
    },
    hide() {
      this.before?.focus?.();
      this.$emit("hide");
    },
  },
};
