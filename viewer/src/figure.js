// One person in 3D: bones and joints as capsules, spread as halos, the path on the floor.
import {
  BufferAttribute, BufferGeometry, Color, CylinderGeometry, DoubleSide, DynamicDrawUsage, Group, InstancedMesh, Matrix4, Mesh,
  MeshBasicMaterial, MeshStandardMaterial, Quaternion, RingGeometry, ShaderMaterial, SphereGeometry, Vector3,
} from 'three';
import { colour, isDark, personColour } from './theme.js';

const UP = new Vector3(0, 1, 0);
const NOWHERE = new Matrix4().makeScale(0, 0, 0);
const RADIUS_OF_LENGTH = 0.1;
const MIN_RADIUS_M = 0.005;
const MAX_RADIUS_M = 0.024;
const JOINT_OF_BONE = 1.22;
const PATH_WIDTH_M = 0.026;
const PATH_STEP_M = 0.02;
const TRAIL_S = 12;
const WHOLE_PATH_S = 60;

const halo = {
  vertexShader: `varying float rim;
    void main() {
      vec4 p = modelViewMatrix * instanceMatrix * vec4(position, 1.0);
      vec3 n = normalize(mat3(modelViewMatrix) * mat3(instanceMatrix) * normal);
      rim = 1.0 - abs(dot(n, normalize(p.xyz)));
      gl_Position = projectionMatrix * p;
    }`,
  fragmentShader: `uniform vec3 tint; uniform float strength; varying float rim;
    void main() { gl_FragColor = vec4(tint, strength * (0.16 + 0.5 * rim * rim)); 
      #include <colorspace_fragment>
    }`,
};

export class Figure extends Group {
  // rate: frames of the page per second.
  constructor(person, index, { ghost = false, rate }) {
    super();
    Object.assign(this, { person, index, ghost });
    this.trailFrames = Math.round(TRAIL_S * rate);
    // The path of a long clip would cover the floor.
    this.wholePath = person.joints.frames <= WHOLE_PATH_S * rate;
    const { edges, names } = person;
    this.radii = edges.map((edge) => boneRadius(person.joints, edge));
    this.jointRadii = names.map((_, j) => JOINT_OF_BONE * Math.max(MIN_RADIUS_M, ...this.radii.filter((_, e) => edges[e].includes(j))));
    this.skin = new MeshStandardMaterial({ roughness: 0.62, metalness: 0, transparent: ghost, opacity: ghost ? 0.42 : 1 });
    this.bones = this.instances(new CylinderGeometry(1, 1, 1, 18, 1, true), this.skin, edges.length);
    this.joints = this.instances(new SphereGeometry(1, 20, 14), this.skin, names.length);
    this.bones.castShadow = this.joints.castShadow = !ghost;
    this.halos = null;
    if (person.spread && !ghost) {
      const material = new ShaderMaterial({
        ...halo, transparent: true, depthWrite: false, uniforms: { tint: { value: new Color() }, strength: { value: 1 } },
      });
      this.halos = this.instances(new SphereGeometry(1, 24, 16), material, names.length);
      this.halos.renderOrder = 2;
    }
    if (!ghost) this.addFloorMarks();
    this.points = names.map(() => new Vector3());
    this.seen = names.map(() => false);
    this.place = [0, 0, 0];
    this.placed = false;
    this.paint();
  }

  instances(geometry, material, count) {
    const mesh = new InstancedMesh(geometry, material, count);
    mesh.instanceMatrix.setUsage(DynamicDrawUsage);
    mesh.frustumCulled = false;
    this.add(mesh);
    return mesh;
  }

  addFloorMarks() {
    const flat = (opacity) => new MeshBasicMaterial({ transparent: true, opacity, depthWrite: false, side: DoubleSide });
    this.ring = new Mesh(new RingGeometry(0.2, 0.216, 64), flat(0.8));
    this.ring.position.z = 0.004;
    const path = pathRibbon(this.person);
    this.pathCounts = path.counts;
    this.path = new Mesh(path.geometry, flat(0.16));
    const walked = new BufferGeometry();
    walked.index = path.geometry.index;
    walked.attributes = path.geometry.attributes;
    this.walked = new Mesh(walked, flat(0.7));
    this.path.position.z = 0.002;
    this.walked.position.z = 0.003;
    this.path.frustumCulled = this.walked.frustumCulled = false;
    this.trail = new Group();
    this.path.visible = this.wholePath;
    this.trail.add(this.path, this.walked);
    this.add(this.ring, this.trail);
  }

  paint() {
    const { sides, edges } = this.person;
    const own = personColour(this.index);
    const bySide = { left: colour('left'), right: colour('right'), centre: own };
    const grey = colour('muted');
    const tint = new Color();
    const pick = (side) => tint.set(this.ghost ? grey : bySide[side]);
    sides.forEach((side, j) => this.joints.setColorAt(j, pick(side)));
    edges.forEach(([a, b], e) => this.bones.setColorAt(e, pick(sides[b] === 'centre' ? sides[a] : sides[b])));
    this.joints.instanceColor.needsUpdate = true;
    if (this.bones.instanceColor) this.bones.instanceColor.needsUpdate = true;
    if (this.halos) {
      this.halos.material.uniforms.tint.value.set(isDark() ? '#dfe7f2' : '#3a4658');
      this.halos.material.uniforms.strength.value = isDark() ? 0.8 : 0.72;
    }
    for (const mark of this.ghost ? [] : [this.ring, this.path, this.walked]) mark.material.color.set(own);
  }

  // Pose of frame t; what is missing there is not drawn.
  show(t) {
    const { joints, spread, edges, pelvis } = this.person;
    const out = [0, 0, 0];
    const m = new Matrix4();
    for (let j = 0; j < this.points.length; j++) {
      this.seen[j] = joints.read(t, j, out);
      this.points[j].fromArray(out);
      const r = this.jointRadii[j];
      this.joints.setMatrixAt(j, this.seen[j] ? m.makeScale(r, r, r).setPosition(this.points[j]) : NOWHERE);
      if (this.halos) {
        const s = spread.get(t, j);
        this.halos.setMatrixAt(j, s > 0 ? m.makeScale(s, s, s).setPosition(this.points[j]) : NOWHERE);
      }
    }
    edges.forEach(([a, b], e) => {
      this.bones.setMatrixAt(e, this.seen[a] && this.seen[b] ? bone(this.points[a], this.points[b], this.radii[e]) : NOWHERE);
    });
    this.bones.instanceMatrix.needsUpdate = this.joints.instanceMatrix.needsUpdate = true;
    if (this.halos) this.halos.instanceMatrix.needsUpdate = true;
    this.placed = joints.mean(t, pelvis, this.place);
    if (this.ghost) return;
    this.ring.visible = this.placed;
    if (this.placed) this.ring.position.set(this.place[0], this.place[1], 0.004);
    const start = this.pathCounts[Math.max(0, t - this.trailFrames)];
    this.walked.geometry.setDrawRange(start, this.pathCounts[t] - start);
  }
}

function bone(a, b, radius) {
  const along = new Vector3().subVectors(b, a);
  const length = along.length();
  const turn = new Quaternion().setFromUnitVectors(UP, length > 0 ? along.divideScalar(length) : UP);
  return new Matrix4().compose(new Vector3().addVectors(a, b).multiplyScalar(0.5), turn, new Vector3(radius, length, radius));
}

// A share of the bone's usual length, so that fingers are thin and thighs are not.
function boneRadius(joints, [a, b]) {
  const lengths = [];
  const p = [0, 0, 0], q = [0, 0, 0];
  const stride = Math.max(1, Math.floor(joints.frames / 50));
  for (let t = 0; t < joints.frames; t += stride) {
    if (joints.read(t, a, p) && joints.read(t, b, q)) lengths.push(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
  }
  lengths.sort((x, y) => x - y);
  const usual = lengths[lengths.length >> 1] ?? 0;
  return Math.min(MAX_RADIUS_M, Math.max(MIN_RADIUS_M, RADIUS_OF_LENGTH * usual));
}

// The pelvis on the floor as a flat ribbon; gaps stay gaps. counts[t]: indices drawn up to frame t.
function pathRibbon({ joints, pelvis }) {
  const places = [], index = [];
  const counts = new Uint32Array(joints.frames);
  const here = [0, 0, 0];
  let last = null;
  for (let t = 0; t < joints.frames; t++) {
    if (!joints.mean(t, pelvis, here)) last = null;
    else if (!last) last = [here[0], here[1]];
    else {
      const dx = here[0] - last[0], dy = here[1] - last[1];
      const length = Math.hypot(dx, dy);
      if (length >= PATH_STEP_M) {
        const nx = (-dy / length) * (PATH_WIDTH_M / 2), ny = (dx / length) * (PATH_WIDTH_M / 2);
        const v = places.length / 3;
        for (const [x, y] of [last, here]) places.push(x + nx, y + ny, 0, x - nx, y - ny, 0);
        index.push(v, v + 1, v + 2, v + 2, v + 1, v + 3);
        last = [here[0], here[1]];
      }
    }
    counts[t] = index.length;
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(new Float32Array(places), 3));
  geometry.setIndex(new BufferAttribute(new Uint32Array(index), 1));
  return { geometry, counts };
}
