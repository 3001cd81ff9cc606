/**
 * How ready each workload was and how often its pods restarted, since the page was opened: a sample every ten seconds, an hour at most.
 *
 * @import {KubeCluster} from '../index.js'
 */
import { KubeWorkload } from '../kubedom.js';

const EVERY_MS = 10_000;
const SAMPLES = 360;
const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [72, 16];

/** @typedef {{ready: number, restarts: number}} Sample */

export class Trends {
  /** @type {Map<string, Sample[]>} By uid of the workload. */
  #samples = new Map();

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    const take = () => {
      if (cluster.status.state !== 'live') return;
      const there = new Set();
      for (const element of cluster.querySelectorAll('*')) {
        if (!(element instanceof KubeWorkload)) continue;
        there.add(element.uid);
        const samples = this.#samples.get(element.uid) ?? [];
        this.#samples.set(element.uid, samples);
        samples.push(sampleOf(element));
        if (samples.length > SAMPLES) samples.shift();
      }
      for (const uid of this.#samples.keys()) if (!there.has(uid)) this.#samples.delete(uid);
    };
    setInterval(take, EVERY_MS);
  }

  /**
   * @param {string} uid
   * @param {'ready' | 'restarts'} what
   * @param {string} label
   * @returns {SVGElement | null} A line, once there are two samples.
   */
  sparkline(uid, what, label) {
    const values = (this.#samples.get(uid) ?? []).map((sample) => sample[what]);
    if (values.length < 2) return null;
    const highest = Math.max(1, ...values);
    const step = WIDTH / (values.length - 1);
    const points = values.map((value, at) => `${(at * step).toFixed(1)},${(HEIGHT - 1 - (value / highest) * (HEIGHT - 2)).toFixed(1)}`);
    const line = document.createElementNS(SVG, 'polyline');
    line.setAttribute('points', points.join(' '));
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('class', `sparkline ${what}`);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', `${label}: ${values[0]} → ${values.at(-1)}`);
    svg.append(line);
    return svg;
  }
}

/** @param {KubeWorkload} workload @returns {Sample} */
function sampleOf(workload) {
  let restarts = 0;
  for (const pod of workload.children) restarts += Number(pod.getAttribute('restarts') ?? 0);
  return { ready: Number((workload.getAttribute('ready') ?? '0').split('/')[0]), restarts };
}
