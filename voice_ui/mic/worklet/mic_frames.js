// The audio thread's part: collects frames of 20 ms as 16-bit PCM and hands them over. It knows no device and no page.

class MicFrames extends AudioWorkletProcessor {
  constructor({ processorOptions: { samples } }) {
    super();
    this.samples = samples; // of one frame
    this.open = true;
    this.begin();
    // When the capture stops, the page asks for the rest of the last frame; what follows is dropped.
    this.port.onmessage = () => {
      this.open = false;
      if (this.filled) this.hand(this.pcm.slice(0, this.filled), true);
      this.port.postMessage(null);
    };
  }

  begin() {
    this.pcm = new Int16Array(this.samples);
    this.filled = 0;
    this.energy = 0; // sum of squares: the page makes a level of it
  }

  hand(pcm, rest = false) {
    const power = this.energy / this.filled;
    this.port.postMessage({ pcm: pcm.buffer, power, rest }, [pcm.buffer]);
    this.begin();
  }

  process([[channel = []]]) {
    if (!this.open) return false;
    for (const sample of channel) {
      this.energy += sample * sample;
      // The inverse of how browsers read 16-bit devices, so that at the device's own rate no bit changes.
      this.pcm[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.filled === this.samples) this.hand(this.pcm);
    }
    return true;
  }
}

registerProcessor("mic-frames", MicFrames);
