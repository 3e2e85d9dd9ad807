// The browser's side of a microphone: a context, a stream, the permission. It knows no page.

const PERMISSION_MS = 250; // the track may end before the permission is seen to have changed

export function contextAt(rate) {
  let ctx;
  try {
    ctx = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
  } catch {
    ctx = new AudioContext({ latencyHint: "interactive" }); // any rate is better than none
  }
  ctx.resume().catch(() => {}); // the promise may stay open for ever; the caller watches ctx.state
  return ctx;
}

export async function streamFrom(device, constraints) {
  const audio = { channelCount: 1, ...constraints };
  try {
    // Chromium ignores an ideal deviceId.
    const chosen = device && { deviceId: { exact: device } };
    return await navigator.mediaDevices.getUserMedia({ audio: { ...audio, ...chosen } });
  } catch (error) {
    if (error.name !== "OverconstrainedError") throw error;
    return navigator.mediaDevices.getUserMedia({ audio }); // the chosen device is gone: use the default one
  }
}

// Return "granted", "denied" or "prompt"; "" where the browser does not say.
export async function permission() {
  try {
    return (await navigator.permissions.query({ name: "microphone" })).state;
  } catch {
    return "";
  }
}

// Whether a track ended because the permission was taken back, and not because the device is gone.
export async function wasWithdrawn(before) {
  const withdrawn = async () => {
    const now = await permission();
    return now === "denied" || (before === "granted" && now === "prompt");
  };
  if (await withdrawn()) return true;
  await new Promise((done) => setTimeout(done, PERMISSION_MS));
  return withdrawn();
}

export function letGo(run) {
  clearInterval(run.timer);
  if (run.node) run.node.port.onmessage = null;
  run.stream?.getTracks().forEach((track) => {
    track.onended = track.onmute = track.onunmute = null;
    track.stop();
  });
  if (run.ctx && run.ctx.state !== "closed") run.ctx.close().catch(() => {});
}
