// The 3D view: our world (z up, metres) as it is, looked at with an orbiting camera.
import { DirectionalLight, HemisphereLight, PerspectiveCamera, Scene, Vector3, WebGLRenderer } from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import { Figure } from './figure.js';
import { Axes, Floor, label, SourceCamera } from './floor.js';
import { isDark, onTheme, personColour } from './theme.js';

const FOV_DEG = 32;
const FOLLOW_OVER_M = 2.5;
const FOLLOW_ONE_OF_MANY_OVER_M = 6;

export class World {
  constructor(box, content) {
    this.box = box;
    this.renderer = new WebGLRenderer({ antialias: true, alpha: true, powerPreference: 'low-power' });
    this.renderer.shadowMap.enabled = true;
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('aria-label', 'People in 3D: drag to turn, right drag to move, wheel to come closer');
    box.prepend(this.canvas);
    this.scene = new Scene();
    this.camera = new PerspectiveCamera(FOV_DEG, 1, 0.05, 200);
    this.camera.up.set(0, 0, 1);
    this.controls = new OrbitControls(this.camera, this.canvas);
    Object.assign(this.controls, { enableDamping: true, dampingFactor: 0.12, maxDistance: 60, minDistance: 0.3, zoomToCursor: false });
    this.controls.addEventListener('change', () => (this.stale = true));
    this.controls.addEventListener('start', () => this.lens(FOV_DEG));
    this.fill(content);
    this.follow = this.roaming;
    this.reset();
    new ResizeObserver(() => this.resize()).observe(box);
    this.resize();
    onTheme(() => this.paint());
  }

  fill(content) {
    this.floor = new Floor();
    this.axes = new Axes();
    this.source = content.camera ? new SourceCamera(content.camera) : null;
    const rate = content.fps / content.step;
    this.figures = content.people.map((person, i) => new Figure(person, i, { rate }));
    this.ghosts = content.truth.map((person, i) => new Figure(person, i, { rate, ghost: true }));
    this.signs = content.people.length > 1 ? content.people.map((p) => label(String(p.person), 0.2)) : [];
    this.sky = new HemisphereLight();
    this.sun = new DirectionalLight();
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(1024, 1024);
    this.sun.shadow.radius = 3;
    Object.assign(this.sun.shadow.camera, { left: -1.8, right: 1.8, top: 1.8, bottom: -1.8, near: 0.5, far: 14 });
    this.scene.add(this.floor, this.axes, this.sky, this.sun, this.sun.target, ...this.figures, ...this.ghosts, ...this.signs);
    if (this.source) this.scene.add(this.source);
    this.limit = content.people.length > 1 ? FOLLOW_ONE_OF_MANY_OVER_M : FOLLOW_OVER_M;
    this.roaming = this.measure() > this.limit;
    this.paint();
  }

  // Where people are over the clip: this.middle, this.reach; returns how far they roam, metres.
  measure() {
    const xs = [], ys = [], zs = [], here = [0, 0, 0];
    for (const { person } of this.figures) {
      const stride = Math.max(1, Math.floor(person.joints.frames / 400));
      for (let t = 0; t < person.joints.frames; t += stride) {
        if (person.joints.mean(t, person.pelvis, here)) [xs, ys, zs].forEach((list, c) => list.push(here[c]));
      }
    }
    const span = (list) => {
      const sorted = list.sort((a, b) => a - b);
      const cut = Math.floor(sorted.length * 0.02);
      return [sorted[cut] ?? 0, sorted[sorted.length - 1 - cut] ?? 0];
    };
    const [x, y, z] = [xs, ys, zs].map(span);
    const roam = Math.hypot(x[1] - x[0], y[1] - y[0]);
    this.middle = new Vector3((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, zs.length ? Math.max(0.25, (z[0] + z[1]) / 2 - 0.05) : 0.9);
    this.roam = roam;
    return roam;
  }

  lens(fovDeg) {
    if (this.camera.fov === fovDeg) return;
    this.camera.fov = fovDeg;
    this.camera.updateProjectionMatrix();
  }

  reset() {
    const target = this.middle.clone();
    const figure = this.figures[0];
    if (this.follow && figure?.placed) target.set(figure.place[0], figure.place[1], this.middle.z);
    const wide = 0.85 + (this.follow ? 0 : Math.min(this.roam, this.limit) / 2);
    const tall = 1.1 + (this.follow ? 0 : Math.min(this.roam, this.limit) * 0.2);
    let azimuth = -Math.PI / 3;
    if (this.source) azimuth = Math.atan2(this.source.place.y - target.y, this.source.place.x - target.x) + 0.6;
    const away = Math.max(tall, wide / this.camera.aspect) / Math.tan(((FOV_DEG / 2) * Math.PI) / 180);
    const rise = 0.22;
    this.lens(FOV_DEG);
    this.controls.target.copy(target);
    this.camera.position.set(Math.cos(azimuth) * Math.cos(rise), Math.sin(azimuth) * Math.cos(rise), Math.sin(rise)).multiplyScalar(away).add(target);
    this.controls.update();
    this.stale = true;
  }

  // Look as the source camera does; its roll and lens distortion aside.
  lookThroughSource() {
    const { place, forward, fovDeg, aspect } = this.source;
    const fit = Math.tan((fovDeg * Math.PI) / 360) * Math.max(1, aspect / this.camera.aspect);
    this.lens((Math.atan(fit) * 360) / Math.PI);
    const depth = Math.max(1, this.middle.clone().sub(place).dot(forward));
    this.camera.position.copy(place);
    this.controls.target.copy(place).addScaledVector(forward, depth);
    this.controls.update();
    this.stale = true;
  }

  paint() {
    for (const part of [this.floor, this.axes, this.source, ...this.figures, ...this.ghosts]) part?.paint();
    this.signs.forEach((sign, i) => sign.material.color.set(personColour(i)));
    this.sky.color.set('#ffffff');
    this.sky.groundColor.set(isDark() ? '#4a5666' : '#b9b2a4');
    this.sky.intensity = isDark() ? 1.5 : 1.9;
    this.sun.intensity = isDark() ? 2.0 : 1.9;
    this.sky.position.set(0, 0, 1);
    this.stale = true;
  }

  show(t, selected) {
    const leader = this.figures[selected];
    const before = leader?.placed ? [...leader.place] : null;
    for (const figure of [...this.figures, ...this.ghosts]) figure.show(t);
    this.signs.forEach((sign, i) => {
      const { placed, place, points, seen } = this.figures[i];
      sign.visible = placed;
      const top = Math.max(...points.filter((_, j) => seen[j]).map((p) => p.z));
      if (placed) sign.position.set(place[0], place[1], top + 0.2);
    });
    if (this.follow && before && leader.placed) this.shift(leader.place[0] - before[0], leader.place[1] - before[1]);
    this.stale = true;
  }

  shift(dx, dy) {
    for (const point of [this.camera.position, this.controls.target]) {
      point.x += dx;
      point.y += dy;
    }
  }

  centreOn(selected) {
    const { placed, place } = this.figures[selected] ?? {};
    if (placed) this.shift(place[0] - this.controls.target.x, place[1] - this.controls.target.y);
    this.stale = true;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.stale = true;
  }

  // Draw if anything changed.
  draw() {
    this.controls.update();
    if (!this.stale) return;
    this.stale = false;
    const { target } = this.controls;
    this.floor.moveTo(target.x, target.y);
    this.sun.target.position.set(target.x, target.y, 0);
    this.sun.position.set(target.x + 1.2, target.y - 1.6, 6);
    this.renderer.render(this.scene, this.camera);
  }
}
