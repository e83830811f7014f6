// Curves over time: gaps stay gaps, spread is a band, truth is dashed. A cursor follows the frame.
// Long clips are shown a window at a time, which turns like a page when the cursor leaves it.
import { colour, onTheme } from './theme.js';

const WINDOW_S = 20;
const WHOLE_S = 40;
const PAD = { left: 44, right: 14, top: 8, bottom: 22 };

export class Plot {
  // groups: [{title, name, unit, digits, curves: [{label, ink, joint, values, spread, truth}]}]; a tab for each.
  constructor(box, heading, timeline, seek) {
    Object.assign(this, { box, heading, timeline, seek, groups: [], chosen: 0, index: 0 });
    const rate = timeline.fps / timeline.step;
    this.width = timeline.count > WHOLE_S * rate ? Math.round(WINDOW_S * rate) : timeline.count;
    this.from = 0;
    this.head = element('div', 'head');
    this.area = element('div', 'area');
    this.canvas = document.createElement('canvas');
    this.canvas.setAttribute('role', 'img');
    this.cursor = element('div', 'cursor');
    this.area.append(this.canvas, this.cursor);
    box.append(this.head, this.area);
    const pick = (event) => {
      if (event.type !== 'pointermove' || event.buttons & 1) this.seek(this.indexOf(event.offsetX));
    };
    this.area.addEventListener('pointerdown', pick);
    this.area.addEventListener('pointermove', pick);
    new ResizeObserver(() => this.draw()).observe(this.area);
    onTheme(() => this.draw());
  }

  set(groups) {
    const name = this.groups[this.chosen]?.name;
    this.groups = groups;
    this.chosen = Math.max(0, groups.findIndex((g) => g.name === name));
    this.layOut();
  }

  get group() {
    return this.groups[this.chosen];
  }

  layOut() {
    const title = element('h2');
    title.textContent = this.heading;
    this.legend = element('div', 'legend');
    const tabs = element('div', 'tabs');
    tabs.setAttribute('role', 'tablist');
    tabs.setAttribute('aria-label', this.heading);
    this.groups.forEach((group, i) => {
      const tab = element('button');
      tab.type = 'button';
      tab.textContent = group.name;
      tab.title = group.title;
      tab.setAttribute('role', 'tab');
      tab.setAttribute('aria-selected', String(i === this.chosen));
      tab.tabIndex = i === this.chosen ? 0 : -1;
      tab.addEventListener('click', () => this.choose(i));
      tab.addEventListener('keydown', (event) => this.moveTab(event, i));
      tabs.append(tab);
    });
    this.head.replaceChildren(...(this.groups.length > 1 ? [tabs] : [title]), this.legend);
    this.tabs = tabs;
    this.fillLegend();
    this.draw();
  }

  choose(i) {
    this.chosen = i;
    this.layOut();
  }

  moveTab(event, i) {
    const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!turn) return;
    event.preventDefault();
    event.stopPropagation();
    this.choose((i + turn + this.groups.length) % this.groups.length);
    this.tabs.children[this.chosen].focus();
  }

  fillLegend() {
    this.area.querySelector('.empty')?.remove();
    if (!this.group) {
      const empty = element('div', 'empty');
      empty.textContent = `This skeleton has no joints with names that this needs.`;
      this.area.append(empty);
      this.readings = [];
      return;
    }
    this.readings = this.group.curves.map((curve) => {
      const item = element('span'), mark = element('i'), reading = element('b');
      item.title = curve.joint;
      mark.style.background = inkOf(curve);
      item.append(mark, curve.label, ' ', reading);
      this.legend.append(item);
      return [curve, reading, mark];
    });
    if (this.group.curves.some((c) => c.truth)) {
      const item = element('span');
      item.append(element('i', 'dash'), 'Truth');
      this.legend.append(item);
    }
    this.canvas.setAttribute('aria-label', `${this.group.title} in ${this.group.unit} over time`);
    this.show(this.index);
  }

  show(index) {
    this.index = index;
    const from = Math.floor(index / this.width) * this.width;
    if (from !== this.from) {
      this.from = from;
      this.draw();
    }
    for (const [curve, reading] of this.readings ?? []) {
      const value = curve.values.get(index);
      reading.textContent = Number.isNaN(value) ? '–' : value.toFixed(this.group.digits) + (this.group.unit === '°' ? '°' : '');
    }
    this.cursor.hidden = !this.group;
    this.cursor.style.transform = `translateX(${this.x(index)}px)`;
  }

  get to() {
    return Math.min(this.timeline.count, this.from + this.width) - 1;
  }

  x(index) {
    return PAD.left + ((index - this.from) / Math.max(1, this.width - 1)) * (this.area.clientWidth - PAD.left - PAD.right);
  }

  indexOf(x) {
    const share = (x - PAD.left) / (this.area.clientWidth - PAD.left - PAD.right);
    return Math.min(this.to, this.from + Math.round(Math.min(1, Math.max(0, share)) * (this.width - 1)));
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.area;
    if (!width || !height) return;
    const ratio = devicePixelRatio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (!this.group) return;
    const pen = this.canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const [low, high] = (this.group.range ??= this.range());
    const y = (value) => PAD.top + ((high - value) / (high - low)) * (height - PAD.top - PAD.bottom);
    this.drawRules(pen, width, height, low, high, y);
    pen.save();
    pen.beginPath();
    pen.rect(PAD.left, 0, width - PAD.left - PAD.right + 2, height - PAD.bottom + 2);
    pen.clip();
    for (const curve of this.group.curves) this.drawBand(pen, curve, y);
    for (const curve of this.group.curves) {
      if (curve.truth) this.drawCurve(pen, curve.truth, y, colour('faint'), 1.3, [4, 4]);
    }
    for (const curve of this.group.curves) this.drawCurve(pen, curve.values, y, inkOf(curve), 1.7, []);
    pen.restore();
    for (const [curve, , mark] of this.readings) mark.style.background = inkOf(curve);
    this.show(this.index);
  }

  range() {
    let low = Infinity, high = -Infinity;
    for (const { values, spread, truth } of this.group.curves) {
      for (let t = 0; t < values.frames; t++) {
        const value = values.get(t), band = spread?.get(t) || 0;
        if (value - band < low) low = value - band;
        if (value + band > high) high = value + band;
        const real = truth ? truth.get(t) : NaN;
        if (real < low) low = real;
        if (real > high) high = real;
      }
    }
    if (low > high) return [0, 1];
    const least = this.group.unit === '°' ? 20 : 0.2;
    const lack = Math.max(0, least - (high - low)) / 2 + 0.04 * (high - low);
    return [low - lack, high + lack];
  }

  drawRules(pen, width, height, low, high, y) {
    pen.font = '11px system-ui, sans-serif';
    pen.fillStyle = colour('muted');
    pen.strokeStyle = colour('line');
    pen.lineWidth = 1;
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    const step = niceStep((high - low) / Math.max(2, (height - PAD.top - PAD.bottom) / 42));
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) {
      const at = Math.round(y(v)) + 0.5;
      line(pen, PAD.left, at, width - PAD.right, at);
      const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
      pen.fillText((Math.abs(v) < step / 1e3 ? 0 : v).toFixed(digits) + (this.group.unit === '°' ? '°' : ''), PAD.left - 7, at);
    }
    pen.textBaseline = 'top';
    const { fps, first, step: stride } = this.timeline;
    const start = (first + this.from * stride) / fps, end = (first + (this.from + this.width - 1) * stride) / fps;
    const every = niceStep((end - start) / Math.max(2, (width - PAD.left) / 84));
    for (let s = Math.ceil(start / every) * every; s <= end + 1e-9; s += every) {
      pen.textAlign = this.x((s * fps - first) / stride) > width - 30 ? 'right' : 'center';
      pen.fillText(`${s.toFixed(every < 0.1 ? 2 : every < 1 ? 1 : 0)} s`, this.x((s * fps - first) / stride), height - PAD.bottom + 6);
    }
  }

  drawCurve(pen, values, y, ink, thick, dash) {
    pen.strokeStyle = ink;
    pen.lineWidth = thick;
    pen.lineJoin = 'round';
    pen.setLineDash(dash);
    pen.beginPath();
    for (const [from, to] of runs(values, this.from, this.to)) {
      pen.moveTo(this.x(from), y(values.get(from)));
      // A lone frame is a dot, not nothing.
      if (to === from) pen.lineTo(this.x(from) + 0.8, y(values.get(from)));
      for (let t = from + 1; t <= to; t++) pen.lineTo(this.x(t), y(values.get(t)));
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  drawBand(pen, { values, spread, ...curve }, y) {
    if (!spread) return;
    pen.globalAlpha = 0.17;
    pen.fillStyle = inkOf(curve);
    for (const [from, to] of runs(values, this.from, this.to)) {
      pen.beginPath();
      for (let t = from; t <= to; t++) pen.lineTo(this.x(t), y(values.get(t) + spread.get(t)));
      for (let t = to; t >= from; t--) pen.lineTo(this.x(t), y(values.get(t) - spread.get(t)));
      pen.fill();
    }
    pen.globalAlpha = 1;
  }
}

const inkOf = ({ ink }) => colour(ink);

// First and last index of each stretch without a gap.
function runs(values, first, last) {
  const found = [];
  let from = -1;
  for (let t = first; t <= last + 1; t++) {
    const here = t <= last && values.has(t);
    if (here && from < 0) from = t;
    if (!here && from >= 0) {
      found.push([from, t - 1]);
      from = -1;
    }
  }
  return found;
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  return power * ([1, 2, 5].find((f) => f * power >= rough) ?? 10);
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

export function element(tag, className = '') {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}
