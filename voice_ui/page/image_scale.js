// An image as the model takes it: PNG or JPEG, no larger than it looks at, and small enough for one message.

// NOTE: LONGEST_SIDE, SHORTEST_SIDE and MOST_BYTES in images.py.
const LONGEST_SIDE = 2048;
const SHORTEST_SIDE = 768;
const MOST_CHARACTERS = 590_000; // of base64: 442 kB
const QUALITIES = [0.9, 0.8, 0.65, 0.5, 0.35];

// Return {url, width, height} of a file or a video's picture; throws if the browser cannot read it.
export async function scaled(source) {
  const picture = source instanceof Blob ? await createImageBitmap(source) : source;
  const [width, height] = [picture.width || picture.videoWidth, picture.height || picture.videoHeight];
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height), SHORTEST_SIDE / Math.min(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  const draw = (ground) => {
    context.fillStyle = ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  };
  draw("transparent");
  const size = { width: canvas.width, height: canvas.height };
  const sharp = source.type === "image/png" && canvas.toDataURL("image/png"); // letters stay readable
  if (sharp && sharp.length <= MOST_CHARACTERS) return { url: sharp, ...size };
  draw("white");
  for (const quality of QUALITIES) {
    const url = canvas.toDataURL("image/jpeg", quality);
    if (url.length <= MOST_CHARACTERS) return { url, ...size };
  }
  throw new Error("too large");
}
