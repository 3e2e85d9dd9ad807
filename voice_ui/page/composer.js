// What is typed or shown instead of said. Emptied here and not by Python: what is typed during a slow round trip stays.
// A message is kept, and sent again whenever the page connects, until Python has settled it.
// NOTE: its other half is composer.py.

import { scaled } from "image_scale";

const KEPT = 50; // messages that the arrow keys bring back
const STORED = "voice-ui-line ";
const TEXT_FILE = /^(text\/|application\/(json|xml|javascript|x-yaml|toml|sql))/;

export default {
  template: `
    <div class="vp-composer" data-testid="composer" translate="no">
      <div v-if="choosing" class="vp-tray" role="group" aria-label="Show an image">
        <q-btn flat no-caps icon="image" label="File" @click="$refs.file.click()" />
        <q-btn flat no-caps icon="photo_camera" label="Camera" @click="openCamera" />
        <q-btn v-if="canShareScreen" flat no-caps icon="screenshot_monitor" label="Screen" @click="takeScreen" />
        <q-btn flat round icon="close" aria-label="Cancel" @click="close" />
      </div>
      <div v-if="filming" class="vp-tray">
        <video ref="video" autoplay playsinline muted aria-label="Camera"></video>
        <q-btn unelevated no-caps icon="photo_camera" label="Take picture" class="vp-send-image" @click="takePicture" />
        <q-btn flat round icon="close" aria-label="Cancel" @click="close" />
      </div>
      <div v-if="image" class="vp-tray" data-testid="image-tray">
        <img class="vp-image" :src="image.url" :alt="'Image to send, ' + image.width + ' by ' + image.height + ' pixels'" />
        <q-btn v-if="!typing" unelevated no-caps icon="send" label="Send image" class="vp-send-image" @click="send" />
        <q-btn flat round icon="close" aria-label="Remove the image" @click="close" />
      </div>
      <div v-if="typing" class="vp-line">
        <q-input ref="line" v-model="text" type="textarea" autogrow outlined dense placeholder="Type a message" autocomplete="off"
          aria-label="Message" enterkeyhint="send" rows="1" dir="auto" hide-bottom-space no-error-icon :error="excess > 0"
          :error-message="'Too long by ' + excess + (excess > 1 ? ' characters' : ' character')" @keydown="handleKey" />
        <q-btn flat round icon="send" class="vp-send" aria-label="Send" @mousedown.prevent @click="send" />
      </div>
      <input ref="file" type="file" hidden accept="image/*" @change="takeFiles($event.target.files)" />
      <input ref="camera" type="file" hidden accept="image/*" capture="environment" @change="takeFiles($event.target.files)" />
    </div>`,
  props: { longest: Number, typing: Boolean, place: String },
  emits: ["message", "problem"],
  data: () => ({ text: "", image: null, choosing: false, filming: false }),
  computed: {
    excess() {
      return String(this.text ?? "").trim().length - this.longest;
    },
  },
  created() {
    this.unsettled = []; // messages
    this.restore();
    this.history = []; // in this page only
    this.at = 0; // in the history; its length is the line that is being written
    this.canShareScreen = !!navigator.mediaDevices?.getDisplayMedia;
  },
  mounted() {
    this.panel = this.$el.closest(".voice-panel");
    this.on = { paste: this.handlePaste, dragover: this.handleDrag, drop: this.handleDrop };
    for (const name in this.on) this.panel.addEventListener(name, this.on[name]);
    window.addEventListener("pagehide", this.store);
    // NiceGUI creates its socket after the elements.
    setTimeout(() => {
      window.socket.on("connect", this.deliverAgain);
      this.deliverAgain();
    });
  },
  beforeUnmount() {
    for (const name in this.on) this.panel.removeEventListener(name, this.on[name]);
    window.removeEventListener("pagehide", this.store);
    window.socket?.off("connect", this.deliverAgain);
    this.close();
  },

  methods: {
    // The line.

    handleKey(event) {
      if (event.isComposing) return; // Enter ends the composition of a character
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        this.send();
      }
      const { selectionStart, selectionEnd, value } = event.target;
      const alone = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey && selectionStart === selectionEnd;
      // In the middle of several lines, the arrow keys move between them.
      if (event.key === "ArrowUp" && alone && !value.slice(0, selectionStart).includes("\n")) this.recall(event, -1);
      if (event.key === "ArrowDown" && alone && !value.slice(selectionEnd).includes("\n")) this.recall(event, 1);
    },
    recall(event, step) {
      const at = this.at + step;
      if (at < 0 || at > this.history.length) return;
      event.preventDefault();
      if (this.at === this.history.length) this.draft = this.text;
      this.at = at;
      this.text = at === this.history.length ? this.draft : this.history[at];
      this.$nextTick(() => event.target.setSelectionRange(this.text.length, this.text.length));
    },
    send() {
      const text = String(this.text ?? "").trim();
      if (this.excess > 0) return;
      if (text || this.image) {
        const message = { id: Math.random().toString(36), text, image: this.image };
        this.unsettled.push(message);
        this.deliver([message]);
      }
      if (text && this.history.at(-1) !== text) this.history = [...this.history, text].slice(-KEPT);
      this.at = this.history.length;
      this.text = "";
      this.close();
      this.$refs.line?.focus();
    },

    // Python takes each message once, however often it comes.
    deliver(messages) {
      if (!window.socket.connected) return; // or socket.io would put it aside
      for (const { id, text, image } of messages) this.$emit("message", { id, text, image: image?.url ?? null });
    },
    deliverAgain() {
      this.deliver(this.unsettled);
    },
    // It has become part of the conversation; or it was refused, and is what the person may send again.
    settle(id, taken) {
      const at = this.unsettled.findIndex((message) => message.id === id);
      if (at < 0) return;
      const [message] = this.unsettled.splice(at, 1);
      if (taken) return;
      this.text = [message.text, String(this.text ?? "")].filter(Boolean).join("\n");
      this.image ??= message.image;
    },

    // From one load of the page to the next, and no longer.
    store() {
      if (!this.place) return;
      try {
        const { text, unsettled } = this;
        if (text || unsettled.length) sessionStorage.setItem(STORED + this.place, JSON.stringify({ text, unsettled }));
        else sessionStorage.removeItem(STORED + this.place);
      } catch {} // a browser may forbid it, or be full
    },
    restore() {
      if (!this.place) return;
      try {
        Object.assign(this, JSON.parse(sessionStorage.getItem(STORED + this.place)));
        sessionStorage.removeItem(STORED + this.place);
      } catch {}
    },

    // Files, pasted, dropped or chosen.

    handlePaste(event) {
      if (event.defaultPrevented || !event.clipboardData?.files.length) return;
      const field = event.target.closest?.("input, textarea, [contenteditable]");
      // Office programs put a picture of a text beside it; and a field of a dialog takes no file.
      if (field && (event.clipboardData.getData("text/plain") || field.closest(".q-dialog"))) return;
      event.preventDefault();
      this.takeFiles(event.clipboardData.files);
    },
    handleDrag(event) {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    },
    handleDrop(event) {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.takeFiles(event.dataTransfer.files);
    },
    async takeFiles(files) {
      const file = files[0];
      this.close();
      if (!file) return;
      if (file.type.startsWith("image/")) await this.show(file);
      else if (this.typing && (TEXT_FILE.test(file.type) || (!file.type && file.size <= this.longest * 4))) await this.insert(file);
      else this.$emit("problem", "file-unreadable");
    },
    async insert(file) {
      const text = file.size <= this.longest * 4 ? await file.text() : null;
      const before = String(this.text ?? "");
      if (text === null || text.includes("\0") || before.length + text.length > this.longest) {
        return this.$emit("problem", "file-unreadable");
      }
      const line = this.$refs.line.nativeEl;
      this.text = before.slice(0, line.selectionStart) + text + before.slice(line.selectionEnd);
      this.$refs.line.focus();
    },

    // Images.

    choose() {
      const open = !this.choosing;
      this.close();
      this.choosing = open;
    },
    close() {
      this.choosing = this.filming = false;
      this.image = null;
      this.opening = null;
      letGo(this.stream);
      this.stream = null;
      for (const input of [this.$refs.file, this.$refs.camera]) if (input) input.value = "";
    },
    async show(source) {
      try {
        const image = await scaled(source);
        this.close();
        this.image = image;
        this.$refs.line?.focus();
      } catch {
        this.$emit("problem", "image-unreadable");
      }
    },
    async openCamera() {
      if (matchMedia("(pointer: coarse)").matches) return this.$refs.camera.click(); // a telephone's own
      this.close();
      const video = { facingMode: "environment", width: { ideal: 1280 } };
      try {
        if (!(await this.film(() => navigator.mediaDevices.getUserMedia({ video })))) return;
        this.filming = true;
        await this.$nextTick();
        this.$refs.video.srcObject = this.stream;
      } catch {
        this.$emit("problem", "camera-failed");
      }
    },
    // Return whether it is still wanted once it is open: a person may have closed it, or asked again.
    async film(open) {
      const opening = (this.opening = {});
      const stream = await open();
      if (opening === this.opening) this.stream = stream;
      else letGo(stream);
      return opening === this.opening;
    },
    async takePicture() {
      if (this.$refs.video.videoWidth) await this.show(this.$refs.video);
    },
    async takeScreen() {
      this.close();
      try {
        if (!(await this.film(() => navigator.mediaDevices.getDisplayMedia({ video: true })))) return;
      } catch (error) {
        if (error.name !== "NotAllowedError") this.$emit("problem", "camera-failed"); // else it was cancelled
        return;
      }
      const video = Object.assign(document.createElement("video"), { srcObject: this.stream, muted: true });
      await video.play();
      await this.show(video);
    },
  },
};

function letGo(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
