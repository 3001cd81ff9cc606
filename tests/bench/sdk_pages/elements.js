import '/kubedom.js';

const cluster = document.querySelector('kube-cluster');
cluster.addEventListener('kube:status', ({ detail: { state } }) => {
  if (state === 'live') measure.applied(true);
});
cluster.addEventListener('kube:change', ({ detail: { added } }) => {
  measure.applied(added.some(({ name }) => name === 'last'));
});

measure.listen = (where) => {
  const failing = [...document.querySelectorAll('kube-pod')];
  const levels = {
    none: [],
    document: [document],
    'every level': [window, document, cluster, ...document.querySelectorAll('kube-namespace, kube-deployment'), ...failing],
  };
  for (const target of levels[where]) {
    for (const type of ['podFailed', 'resource-failed', 'podRecovered', 'resource-recovered']) {
      target.addEventListener(type, () => (measure.calls += 1));
    }
  }
};
