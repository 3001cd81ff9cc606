// The table as one writes it at first: one <tbody>, in no order, and each change painted as soon as it is told.
import '/kubedom.js';

const [body] = document.querySelector('table').tBodies;
const rows = new Map();

const paint = (row, pod) => {
  const values = [pod.name, ...['ready', 'status', 'restarts', 'node'].map((name) => pod.getAttribute(name) ?? '')];
  values.forEach((value, at) => (row.cells[at].textContent = value));
};

const create = (pod) => {
  const row = body.insertRow();
  for (let at = 0; at < 6; at += 1) row.insertCell();
  for (const name of ['restartPod', 'deletePod']) {
    const button = document.createElement('button');
    button.className = name;
    button.textContent = name;
    row.cells[5].append(button);
  }
  rows.set(pod, row);
  paint(row, pod);
};

document.querySelector('kube-cluster').addEventListener('kube:change', ({ detail: { added, changed, removed } }) => {
  for (const pod of added) if (pod.kind === 'Pod') create(pod);
  for (const pod of changed) if (rows.has(pod)) paint(rows.get(pod), pod);
  for (const pod of removed) {
    rows.get(pod)?.remove();
    rows.delete(pod);
  }
});
