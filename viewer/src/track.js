// Coded arrays of the page: 16-bit steps, one code for "not there". Axes: t frames, n tracks, c components.
const MISSING = -32768;

export function bytes(base64) {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

export class Track {
  constructor({ shape, origin, step, codes }) {
    [this.frames, this.count, this.width] = shape;
    this.origin = origin;
    this.step = step;
    this.codes = new Int16Array(bytes(codes).buffer);
  }

  has(t, n = 0) {
    return t >= 0 && t < this.frames && this.codes[(t * this.count + n) * this.width] !== MISSING;
  }

  // One component, NaN where missing.
  get(t, n = 0, c = 0) {
    return this.has(t, n) ? this.codes[(t * this.count + n) * this.width + c] * this.step + this.origin[c] : NaN;
  }

  // A point into `out`; false where missing.
  read(t, n, out) {
    if (!this.has(t, n)) return false;
    const at = (t * this.count + n) * this.width;
    for (let c = 0; c < this.width; c++) out[c] = this.codes[at + c] * this.step + this.origin[c];
    return true;
  }

  // Mean of several tracks into `out`; false where one of them is missing.
  mean(t, tracks, out) {
    const one = [0, 0, 0];
    out.fill(0);
    for (const n of tracks) {
      if (!this.read(t, n, one)) return false;
      for (let c = 0; c < this.width; c++) out[c] += one[c] / tracks.length;
    }
    return true;
  }
}

export const track = (coded) => (coded ? new Track(coded) : null);
