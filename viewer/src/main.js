// The page: one clock, and views that show its frame.
import { Picture } from './picture.js';
import { element, Plot } from './plot.js';
import { World } from './scene.js';
import { startTheme, toggleTheme } from './theme.js';
import { track } from './track.js';

const at = (id) => document.getElementById(id);
const SPEEDS = [0.1, 0.25, 0.5, 1, 2];
const PLAY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 1.8v12.4a.6.6 0 0 0 .9.5l9.8-6.2a.6.6 0 0 0 0-1L4.9 1.3a.6.6 0 0 0-.9.5z"/></svg>';
const PAUSE = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 2h3.6v12H3zM9.4 2H13v12H9.4z"/></svg>';

const content = readContent();
const last = content.count - 1;
let index = 0, playing = false, clock = 0, before = 0, selected = 0, speed = 1;
let world = null, picture = null, plots = [];

function readContent() {
  const raw = JSON.parse(at('content').textContent);
  at('content').remove();
  const curve = (c) => ({ ...c, values: track(c.values), spread: track(c.spread) });
  for (const who of [...raw.people, ...raw.truth]) {
    Object.assign(who, { joints: track(who.joints), spread: track(who.spread), angles: who.angles.map(curve), heights: who.heights.map(curve) });
  }
  for (const who of raw.keypoints) Object.assign(who, { points: track(who.points), confidence: track(who.confidence) });
  return raw;
}

const frameOf = (i) => content.first + i * content.step;
const secondsOf = (i) => frameOf(i) / content.fps;

function show(i, { fromVideo = false } = {}) {
  index = Math.min(last, Math.max(0, Math.round(i)));
  world?.show(index, selected);
  for (const plot of plots) plot.show(index);
  if (!fromVideo) picture.seek(index);
  at('scrub').value = String(index);
  at('scrub').style.setProperty('--at', `${last ? (100 * index) / last : 0}%`);
  at('scrub').setAttribute('aria-valuetext', `frame ${frameOf(index)}, ${secondsOf(index).toFixed(2)} seconds`);
  at('frame').textContent = String(frameOf(index));
  at('time').textContent = `${secondsOf(index).toFixed(2)} s`;
}

function seek(i) {
  clock = Math.min(last, Math.max(0, i));
  show(clock);
}

function play(on) {
  if (on && index >= last) seek(0);
  playing = on && last > 0;
  clock = index;
  at('play').innerHTML = playing ? PAUSE : PLAY;
  at('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
  if (!playing) {
    picture.video?.pause();
    show(index);
  }
}

// The video, where it plays, is the clock; else the wall clock is.
function advance(elapsed) {
  const { video } = picture;
  const rate = content.fps / content.step;
  if (picture.covers(clock)) {
    if (video.paused && !video.ended) {
      video.playbackRate = speed;
      video.play().catch(() => play(false));
    }
    if (!video.paused && !video.seeking && video.readyState > 2) clock = picture.indexAt(video.currentTime - 0.5 / content.fps);
  } else {
    if (video && !video.paused) video.pause();
    clock += Math.min(elapsed, 0.25) * rate * speed;
  }
  if (video?.ended) clock = Math.max(clock, picture.indexAt(video.duration));
  if (clock >= last) {
    show(last, { fromVideo: true });
    play(false);
    return;
  }
  if (Math.floor(clock) !== index) show(Math.floor(clock), { fromVideo: picture.covers(clock) });
}

function tick(now) {
  if (playing) advance((now - before) / 1000);
  before = now;
  world?.draw();
  requestAnimationFrame(tick);
}

function toggle(box, text, pressed, title, act) {
  const button = element('button');
  Object.assign(button, { type: 'button', textContent: text, title });
  button.setAttribute('aria-pressed', String(pressed));
  const flip = (on = button.getAttribute('aria-pressed') !== 'true') => {
    button.setAttribute('aria-pressed', String(on));
    act(on);
  };
  button.addEventListener('click', () => flip());
  box.append(button);
  return flip;
}

function press(box, text, title, act) {
  const button = element('button');
  Object.assign(button, { type: 'button', textContent: text, title });
  button.addEventListener('click', act);
  box.append(button);
}

const keys = {
  ' ': () => play(!playing),
  ArrowLeft: (event) => seek(index - (event.shiftKey ? 10 : 1)),
  ArrowRight: (event) => seek(index + (event.shiftKey ? 10 : 1)),
  Home: () => seek(0),
  End: () => seek(last),
  t: toggleTheme,
};

function startWorld() {
  const tools = at('scene-tools');
  if (!content.people.length) {
    at('scene').hidden = true;
    document.body.className = 'flat';
    return;
  }
  try {
    world = new World(at('scene'), content);
  } catch {
    note(at('scene'), 'This browser offers no WebGL, so the 3D view is off; everything else works.');
    return;
  }
  const redraw = () => (world.stale = true);
  const all = (part, on) => {
    for (const figure of world.figures) if (figure[part]) figure[part].visible = on;
    redraw();
  };
  press(tools, 'Reset view', 'R', (keys.r = () => world.reset()));
  if (world.source) press(tools, 'Camera view', 'Look as the source camera does (C)', (keys.c = () => {
    keys.f(false);
    world.lookThroughSource();
  }));
  keys.f = toggle(tools, 'Follow', world.follow, 'Keep the person in the middle (F)', (on) => {
    world.follow = on;
    if (on) world.centreOn(selected);
  });
  if (content.people.some((p) => p.spread)) keys.s = toggle(tools, 'Spread', true, 'Halo radius is one standard deviation (S)', (on) => all('halos', on));
  keys.p = toggle(tools, 'Path', true, 'Where the pelvis went, on the floor (P)', (on) => all('trail', on));
  if (content.truth.length) {
    keys.g = toggle(tools, 'Truth', true, 'Truth, in grey (G)', (on) => {
      for (const ghost of world.ghosts) ghost.visible = on;
      redraw();
    });
  }
  const swatch = (name) => {
    const mark = element('i');
    mark.style.background = `var(--${name})`;
    return mark;
  };
  const items = [['left', 'Left'], ['right', 'Right']].map(([name, text]) => {
    const item = element('span');
    item.append(swatch(name), text);
    return item;
  });
  const units = element('span');
  units.textContent = 'Grid 1 m, fine 25 cm · z up';
  at('scene-note').append(...items, units);
}

function note(box, text) {
  const message = element('p', 'message');
  message.setAttribute('role', 'status');
  message.textContent = text;
  box.append(message);
}

function startPicture() {
  picture = new Picture(at('picture'), content, (text) => note(at('picture'), text));
  if (content.keypoints.length && content.videoType) {
    keys.k = toggle(at('picture-tools'), '2D joints', true, 'Opacity is confidence (K)', (on) => {
      picture.drawn = on;
      picture.draw();
    });
  }
}

function groupsOf(person, kind, unit, digits) {
  const truth = content.truth.find((t) => t.person === person.person);
  const groups = new Map();
  for (const curve of person[kind]) {
    const title = kind === 'heights' ? 'Height over the floor' : curve.title;
    if (!groups.has(title)) groups.set(title, { title, name: title.split(' ')[0], unit, digits, curves: [] });
    const same = truth?.[kind].find((c) => c.title === curve.title && c.side === curve.side);
    const ink = curve.title === 'Pelvis' ? 'pelvis' : curve.side;
    const label = kind === 'heights' ? curve.title : curve.side[0].toUpperCase() + curve.side.slice(1);
    groups.get(title).curves.push({ ...curve, ink, label, truth: same?.values ?? null });
  }
  return [...groups.values()];
}

function startPlots() {
  const make = (id, heading) => new Plot(at(id), heading, content, (i) => seek(i));
  plots = content.people.length ? [make('angles', 'Joint angles'), make('heights', 'Height, m')] : [];
  at('angles').hidden = at('heights').hidden = !plots.length;
}

function select(i) {
  selected = i;
  const person = content.people[i];
  if (!person) return;
  plots[0].set(groupsOf(person, 'angles', '°', 0));
  plots[1].set(groupsOf(person, 'heights', 'm', 2));
  if (world?.follow) world.centreOn(i);
}

function fillFacts() {
  const table = (heading, rows) => {
    if (!rows.length) return;
    const title = element('h2'), list = element('dl');
    title.textContent = heading;
    for (const [name, text] of rows) {
      const term = element('dt'), value = element('dd');
      term.textContent = name;
      value.textContent = text;
      list.append(term, value);
    }
    at('facts').append(title, list);
  };
  table('Quality', content.quality);
  table('Clip', content.clip);
}

const lengthOf = (seconds) => (seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`);

function startControls() {
  const people = content.people.length ? content.people : content.keypoints;
  const count = people.length === 1 ? '1 person' : `${people.length} people`;
  const lengthS = (content.count * content.step) / content.fps;
  at('summary').textContent = [count, lengthOf(lengthS), `${+content.fps.toFixed(3)} frames/s`, people[0].skeleton, people[0].model].filter(Boolean).join(' · ');
  at('person').hidden = content.people.length < 2;
  content.people.forEach((p, i) => at('person').append(new Option(`Person ${p.person}`, String(i))));
  at('person').addEventListener('change', (event) => {
    select(Number(event.target.value));
    show(index);
  });
  for (const s of SPEEDS) at('speed').append(new Option(`${s}×`, String(s), s === 1, s === 1));
  at('speed').addEventListener('change', (event) => {
    speed = Number(event.target.value);
    if (picture.video) picture.video.playbackRate = speed;
  });
  at('scrub').max = String(last);
  at('scrub').addEventListener('input', (event) => {
    const wanted = Number(event.target.value);
    play(false);
    seek(wanted);
  });
  at('play').addEventListener('click', () => play(!playing));
  document.addEventListener('keydown', onKey);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const tag = event.target.tagName;
  if (tag === 'SELECT' || (event.key === ' ' && tag === 'BUTTON') || (tag === 'INPUT' && event.key !== ' ')) return;
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act(event.key.startsWith('Arrow') ? event : undefined);
}

startTheme();
startWorld();
startPicture();
startPlots();
startControls();
fillFacts();
select(0);
play(false);
seek(0);
world?.reset();
requestAnimationFrame((now) => {
  before = now;
  document.documentElement.dataset.ready = 'true';
  tick(now);
});
