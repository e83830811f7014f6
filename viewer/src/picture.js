// The video with the 2D joints of exactly the frame it shows; without video, joints on a plain field.
import { colour, onTheme, personColour } from './theme.js';
import { bytes } from './track.js';

const WIDTH_OF_SIDE = 1 / 190;
// Pictures are as dark in a light page: the dark page's colours show on both.
const ON_VIDEO = { left: '#5ab4ec', right: '#f0a03c', centre: '#ffffff' };

export class Picture {
  constructor(box, content, message) {
    Object.assign(this, { box, content, message });
    this.canvas = document.createElement('canvas');
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', 'Joints found in the picture');
    this.imageSize = content.keypoints[0]?.imageSize ?? content.camera?.imageSize ?? null;
    this.drawn = true;
    this.shown = 0;
    if (content.videoType) this.addVideo();
    box.append(this.canvas);
    box.hidden = !content.videoType && !content.keypoints.length;
    new ResizeObserver(() => this.draw()).observe(box);
    onTheme(() => this.draw());
    this.fit();
  }

  addVideo() {
    const source = document.getElementById('video-data');
    const clip = new Blob([bytes(source.textContent)], { type: this.content.videoType });
    source.remove();
    const video = document.createElement('video');
    Object.assign(video, { muted: true, playsInline: true, preload: 'auto', disablePictureInPicture: true });
    video.setAttribute('aria-label', 'Source video');
    video.addEventListener('loadedmetadata', () => {
      this.video = video;
      this.imageSize ??= [video.videoWidth, video.videoHeight];
      this.fit();
      this.seek(this.shown);
    });
    video.addEventListener('error', () => this.fail(video));
    if (video.requestVideoFrameCallback) {
      const presented = (_, { mediaTime }) => {
        this.shown = this.indexAt(mediaTime);
        this.draw();
        video.requestVideoFrameCallback(presented);
      };
      video.requestVideoFrameCallback(presented);
    }
    video.src = URL.createObjectURL(clip);
    this.box.prepend(video);
  }

  fail(video) {
    video.remove();
    this.video = null;
    this.message('This browser cannot play the embedded video; the joints are shown without it.');
    if (!this.content.keypoints.length) this.box.hidden = true;
    this.draw();
  }

  // Timeline index of the source frame that stands at a video time. Half a frame is added because times are rounded.
  indexAt(seconds) {
    const { fps, first, step, videoStart } = this.content;
    return Math.floor((seconds * fps + 0.5 + videoStart - first) / step);
  }

  timeOf(index) {
    const { fps, first, step, videoStart } = this.content;
    return (first + index * step + 0.4 - videoStart) / fps;
  }

  // Whether the video covers the time of a timeline index.
  covers(index) {
    const time = this.timeOf(index);
    return Boolean(this.video) && time >= 0 && time < this.video.duration;
  }

  seek(index) {
    if (!this.video) {
      this.shown = index;
      this.draw();
      return;
    }
    if (!this.covers(index)) return;
    this.video.currentTime = this.timeOf(index);
    if (!this.video.requestVideoFrameCallback) {
      this.shown = index;
      this.draw();
    }
  }

  fit() {
    if (this.imageSize) {
      this.box.style.aspectRatio = `${this.imageSize[0]} / ${this.imageSize[1]}`;
      this.box.style.setProperty('--aspect', String(this.imageSize[0] / this.imageSize[1]));
    }
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width || !height || !this.imageSize) return;
    const ratio = devicePixelRatio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext('2d');
    const [w, h] = this.imageSize;
    const scale = Math.min(width / w, height / h) * ratio;
    pen.setTransform(scale, 0, 0, scale, (width * ratio - w * scale) / 2, (height * ratio - h * scale) / 2);
    if (!this.video) {
      pen.fillStyle = colour('well');
      pen.fillRect(0, 0, w, h);
    }
    if (!this.drawn) return;
    const thick = Math.max(1.6 * ratio / scale, Math.max(w, h) * WIDTH_OF_SIDE);
    this.content.keypoints.forEach((who, i) => this.drawPerson(pen, who, i, thick));
  }

  drawPerson(pen, who, index, thick) {
    const bySide = this.video ? ON_VIDEO : { left: colour('left'), right: colour('right'), centre: personColour(index) };
    const rim = this.video ? '#0009' : '#0000';
    const a = [0, 0], b = [0, 0];
    const sure = (j) => Math.min(1, Math.max(0, who.confidence.get(this.shown, j)));
    pen.lineCap = 'round';
    for (const [p, q] of who.edges) {
      if (!who.points.read(this.shown, p, a) || !who.points.read(this.shown, q, b)) continue;
      pen.globalAlpha = 0.1 + 0.85 * Math.min(sure(p), sure(q));
      pen.beginPath();
      pen.moveTo(...a);
      pen.lineTo(...b);
      // A dark rim, so that bright bones stand out from any picture.
      for (const [width, ink] of [[1.7, rim], [1, bySide[who.sides[q] === 'centre' ? who.sides[p] : who.sides[q]]]]) {
        pen.lineWidth = thick * width;
        pen.strokeStyle = ink;
        pen.stroke();
      }
    }
    who.sides.forEach((side, j) => {
      if (!who.points.read(this.shown, j, a)) return;
      pen.globalAlpha = 0.1 + 0.9 * sure(j);
      pen.fillStyle = bySide[side];
      pen.beginPath();
      pen.arc(a[0], a[1], thick * 1.15, 0, 7);
      pen.fill();
    });
    pen.globalAlpha = 1;
  }
}
