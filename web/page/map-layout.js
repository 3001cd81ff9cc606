/**
 * Where every pod's cell is on the map: namespaces, in them workloads, in them pods, packed in shelves.
 *
 * In: the groups and the width. Out: squares and labels in pixels. Nothing here draws.
 */

/** @typedef {{name: string, groups: {name: string, pods: string[]}[]}} Area Pods by uid. */
/** @typedef {{uid: string, x: number, y: number}} Cell */
/** @typedef {{text: string, x: number, y: number, width: number}} Label */
/** @typedef {{cells: Cell[], labels: Label[], height: number, size: number}} Layout */
/** @typedef {{width: number, height: number, x: number, y: number}} Box */

const LABEL = 16;
const GAP = 14;
const GROUP_GAP = 4;

/**
 * How large a cell is, so that all fit into about one screen.
 *
 * @param {number} pods
 */
export function sizeFor(pods) {
  return pods <= 400 ? 16 : pods <= 2500 ? 12 : pods <= 6000 ? 8 : 6;
}

/**
 * @param {readonly Area[]} areas
 * @param {number} width
 * @returns {Layout}
 */
export function layOut(areas, width) {
  const count = areas.reduce((sum, { groups }) => sum + groups.reduce((pods, group) => pods + group.pods.length, 0), 0);
  const size = sizeFor(count);
  /** @type {Layout} */
  const layout = { cells: [], labels: [], height: 0, size };
  const blocks = areas.map((area) => {
    const boxes = area.groups.map(({ pods }) => {
      const columns = Math.ceil(Math.sqrt(pods.length * 1.4));
      return { width: columns * size, height: Math.ceil(pods.length / columns) * size, x: 0, y: 0 };
    });
    const space = boxes.reduce((sum, box) => sum + (box.width + GROUP_GAP) * (box.height + GROUP_GAP), 0);
    const widest = Math.max(...boxes.map((box) => box.width), Math.min(area.name.length * 7, 110));
    const inner = Math.min(width, Math.max(widest, Math.sqrt(space) * 1.5));
    const packed = pack(boxes, inner, GROUP_GAP);
    return { area, boxes, box: { width: Math.max(packed.width, Math.min(widest, inner)), height: packed.height + LABEL, x: 0, y: 0 } };
  });
  layout.height = pack(blocks.map(({ box }) => box), width, GAP).height;
  for (const { area, boxes, box } of blocks) {
    layout.labels.push({ text: area.name, x: box.x, y: box.y, width: box.width });
    area.groups.forEach(({ pods }, at) => {
      const place = boxes[at];
      const columns = Math.max(1, Math.round(place.width / size));
      pods.forEach((uid, index) => {
        const x = box.x + place.x + (index % columns) * size;
        const y = box.y + LABEL + place.y + Math.floor(index / columns) * size;
        layout.cells.push({ uid, x, y });
      });
    });
  }
  return layout;
}

/**
 * Puts boxes beside each other, and on the next shelf when one is full.
 *
 * @param {Box[]} boxes
 * @param {number} width
 * @param {number} gap
 */
function pack(boxes, width, gap) {
  let [x, y, shelf, widest] = [0, 0, 0, 0];
  for (const box of boxes) {
    if (x > 0 && x + box.width > width) [x, y, shelf] = [0, y + shelf + gap, 0];
    Object.assign(box, { x, y });
    x += box.width + gap;
    shelf = Math.max(shelf, box.height);
    widest = Math.max(widest, x - gap);
  }
  return { width: widest, height: y + shelf };
}
