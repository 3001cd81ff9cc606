// The same work with plain objects: kept in maps and arrays, and functions called for what happens.
const SLICE_MS = 8;
const objects = new Map();
const namespaces = new Map();
const workloads = new Map();
const incidents = new Map();
const root = { children: [], listeners: [] };
const queue = [];
let running = false;

const home = (entry) => {
  const { workload, namespace } = entry;
  const key = `${workload?.kind}/${namespace}/${workload?.name}`;
  if (workload && workloads.has(key)) return workloads.get(key);
  if (!namespaces.has(namespace)) namespaces.set(namespace, { name: namespace, parent: root, children: [], listeners: [] });
  return namespaces.get(namespace);
};

const upsert = (entry) => {
  const { object, display, kind, uid } = entry;
  const { name, namespace } = object.metadata;
  const known = objects.get(uid);
  const node = known ?? { kind, uid, name, namespace, children: [], listeners: [], incidents: [] };
  Object.assign(node, {
    object,
    phase: object.status.phase,
    status: display?.status,
    ready: `${display?.ready}/${display?.total}`,
    restarts: display?.restarts,
  });
  if (known) return;
  node.parent = home(entry);
  node.parent.children.push(node);
  objects.set(uid, node);
  if (kind === 'Deployment') workloads.set(`${kind}/${namespace}/${name}`, node);
};

const tell = (node, type, entry) => {
  const event = { type, detail: entry.detail, id: entry.id, incident: entry.incident, target: node };
  for (let each = node; each; each = each.parent) for (const listener of each.listeners) listener(event);
};

const happen = (entry) => {
  const node = objects.get(entry.uid);
  if (entry.incident.phase === 'begin') {
    incidents.set(entry.incident.id, entry);
    node.incidents = [entry.incident];
  } else {
    incidents.delete(entry.incident.id);
    node.incidents = [];
  }
  tell(node, entry.type, entry);
  tell(node, entry.incident.phase === 'begin' ? 'resource-failed' : 'resource-recovered', entry);
};

const run = async () => {
  running = true;
  let end = performance.now() + SLICE_MS;
  while (queue.length > 0) {
    const message = queue.shift();
    for (const entry of message.entries ?? []) {
      if (entry.op === 'event') happen(entry);
      else upsert(entry);
      if (performance.now() > end) {
        measure.applied(false);
        await scheduler.yield();
        end = performance.now() + SLICE_MS;
      }
    }
    measure.applied(message.type === 'snapshotEnd' || message.entries?.at(-1)?.uid === 'last');
  }
  running = false;
};

measure.listen = (where) => {
  const listening = { none: [], document: [root], 'every level': [root, root, root, ...namespaces.values(), ...objects.values()] };
  for (const { listeners } of listening[where]) listeners.push(() => (measure.calls += 1));
};

const socket = new WebSocket(`ws://${location.host}/api/socket`, ['kubedom.v1']);
socket.onopen = () => socket.send('{"type":"subscribe"}');
socket.onmessage = ({ data }) => {
  queue.push(JSON.parse(data));
  if (!running) void run();
};
