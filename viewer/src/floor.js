// What does not move: the floor's grid, axes at the origin, the camera that filmed.
import {
  BufferAttribute, BufferGeometry, CanvasTexture, Color, CylinderGeometry, DoubleSide, Group, LineBasicMaterial, LineSegments, Mesh,
  MeshBasicMaterial, PlaneGeometry, ShaderMaterial, ShadowMaterial, Sprite, SpriteMaterial, Vector3,
} from 'three';
import { colour, isDark } from './theme.js';

const REACH_M = 9;
const FRUSTUM_M = 0.45;

const grid = {
  vertexShader: 'varying vec2 at; void main() { vec4 p = modelMatrix * vec4(position, 1.0); at = p.xy; gl_Position = projectionMatrix * viewMatrix * p; }',
  fragmentShader: `uniform vec3 ink; uniform vec2 middle; uniform float strength; uniform float reach; varying vec2 at;
    float lines(vec2 p) { vec2 w = fwidth(p); vec2 d = abs(fract(p - 0.5) - 0.5) / w; vec2 v = 1.0 - min(d, 1.0); v *= min(vec2(1.0), 0.35 / w); return max(v.x, v.y); }
    void main() {
      float fade = 1.0 - smoothstep(0.25 * reach, reach, distance(at, middle));
      float a = max(lines(at), 0.4 * lines(at * 4.0)) * fade * strength;
      gl_FragColor = vec4(ink, a);
      #include <colorspace_fragment>
    }`,
};

export class Floor extends Group {
  constructor() {
    super();
    const plane = new PlaneGeometry(2 * REACH_M, 2 * REACH_M);
    this.grid = new Mesh(plane, new ShaderMaterial({
      ...grid, transparent: true, depthWrite: false, side: DoubleSide,
      uniforms: { ink: { value: new Color() }, middle: { value: new Vector3() }, strength: { value: 1 }, reach: { value: REACH_M } },
    }));
    this.shade = new Mesh(plane, new ShadowMaterial({ transparent: true, depthWrite: false }));
    this.shade.receiveShadow = true;
    this.shade.position.z = 0.001;
    this.add(this.grid, this.shade);
    this.paint();
  }

  paint() {
    this.grid.material.uniforms.ink.value.set(isDark() ? '#a9b6c6' : '#3c4653');
    this.grid.material.uniforms.strength.value = isDark() ? 0.3 : 0.24;
    this.shade.material.opacity = isDark() ? 0.5 : 0.2;
  }

  moveTo(x, y) {
    for (const mesh of [this.grid, this.shade]) {
      mesh.position.x = x;
      mesh.position.y = y;
    }
    this.grid.material.uniforms.middle.value.set(x, y);
  }
}

export class Axes extends Group {
  constructor() {
    super();
    this.parts = [['x', 1, 0, 0], ['y', 0, 1, 0], ['z', 0, 0, 1]].map(([name, x, y, z]) => {
      const rod = new Mesh(new CylinderGeometry(0.005, 0.005, 0.3, 10), new MeshBasicMaterial());
      const way = new Vector3(x, y, z);
      rod.quaternion.setFromUnitVectors(new Vector3(0, 1, 0), way);
      rod.position.copy(way).multiplyScalar(0.15).add(new Vector3(0, 0, 0.006));
      const sign = label(name);
      sign.position.copy(way).multiplyScalar(0.36).add(new Vector3(0, 0, 0.03));
      this.add(rod, sign);
      return [rod, sign];
    });
    this.paint();
  }

  paint() {
    for (const [rod, sign] of this.parts) {
      rod.material.color.set(colour('muted'));
      sign.material.color.set(colour('text'));
    }
  }
}

// White text on nothing, coloured by its material.
export function label(text, size = 0.12) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext('2d');
  pen.font = '600 44px system-ui, sans-serif';
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillStyle = '#fff';
  pen.fillText(text, 32, 34);
  const sprite = new Sprite(new SpriteMaterial({ map: new CanvasTexture(canvas), transparent: true, depthWrite: false }));
  sprite.scale.set(size, size, 1);
  return sprite;
}

// A pinhole's pyramid with its image plane, open side up marked.
export class SourceCamera extends LineSegments {
  constructor({ imageSize: [width, height], intrinsics: [[fx, , cx], [, fy, cy]], worldFromCamera }) {
    const move = ([x, y, z]) => [0, 1, 2].map((r) => worldFromCamera[r][0] * x + worldFromCamera[r][1] * y + worldFromCamera[r][2] * z + worldFromCamera[r][3]);
    const ray = (u, v) => [((u - cx) / fx) * FRUSTUM_M, ((v - cy) / fy) * FRUSTUM_M, FRUSTUM_M];
    const corners = [ray(0, 0), ray(width, 0), ray(width, height), ray(0, height)];
    const apex = [0, 0, 0], mark = ray(width / 2, -0.14 * height);
    const lines = corners.flatMap((p, i) => [apex, p, p, corners[(i + 1) % 4]]);
    lines.push(corners[0], mark, mark, corners[1]);
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(new Float32Array(lines.flatMap(move)), 3));
    super(geometry, new LineBasicMaterial({ transparent: true, opacity: 0.8 }));
    this.place = new Vector3(...move(apex));
    this.forward = new Vector3(...move([0, 0, 1])).sub(this.place);
    this.fovDeg = (Math.atan(cy / fy) + Math.atan((height - cy) / fy)) * (180 / Math.PI);
    this.aspect = width / height;
    this.paint();
  }

  paint() {
    this.material.color.set(colour('muted'));
  }
}
