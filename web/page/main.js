/**
 * kubedom's own page, written only with the SDK: what it can do, any page can.
 */
import { KubeResource } from '../kubedom.js';
import { Account } from './account.js';
import { handleActions } from './actions.js';
import { Approvals } from './approvals.js';
import { Census } from './census.js';
import { Counters } from './counters.js';
import { EventsView } from './events-view.js';
import { Forms } from './forms.js';
import { HealingView } from './healing-view.js';
import { IncidentDialog } from './incident/dialog.js';
import { IncidentList } from './incident-list.js';
import { LogView } from './looking/log.js';
import { YamlView } from './looking/yaml.js';
import { PodMap } from './map.js';
import { Notifications } from './notifications.js';
import { repaint } from './painting.js';
import { listenForKeys } from './shortcuts.js';
import { showCounters, showStatus } from './status.js';
import { mountTables } from './tables.js';
import { t, translate } from './text.js';
import { Timeline } from './timeline.js';
import { toast } from './toasts.js';
import { Trends } from './trends.js';
import { followAddress, shown } from './views.js';

const cluster = document.querySelector('kube-cluster');
if (!cluster) throw new Error('index.html has no <kube-cluster>.');

translate(document);
followAddress();

const tables = mountTables(cluster);
const dialog = new IncidentDialog(cluster);
dialog.notifications = new Notifications((incident) => dialog.open(incident));
const approvals = new Approvals(cluster);
const incidents = new IncidentList(cluster, new Trends(cluster), (incident) => dialog.open(incident));
const census = new Census();
const counters = new Counters(census);
const map = new PodMap(cluster);
new Timeline(cluster);
new LogView(cluster);
new YamlView(cluster);
new EventsView(cluster);
new HealingView(cluster);
new Forms(cluster);

const count = () => {
  showCounters(census.pods, census.failing, cluster.getElementsByTagName('kube-namespace').length, cluster.info.name);
  if (shown() === 'overview') counters.paint();
};

/** @param {{added: import('../index.js').KubeResource[], changed: import('../index.js').KubeResource[], removed: import('../index.js').KubeResource[]}} change */
const take = (change) => {
  tables.take(change);
  census.take(change);
  map.take(change);
  incidents.refresh();
  repaint(count);
};

cluster.addEventListener('kube:change', (event) => take(event.detail));
cluster.addEventListener('kube:status', () => {
  tables.settle();
  incidents.refresh();
  repaint(count);
  // What has waited since before this connection is told by no event.
  if (cluster.status.state === 'live') void approvals.read();
});
// An incident of a kind without an element changes no element.
for (const type of /** @type {const} */ (['resource-failed', 'resource-recovered', 'kube:incidentchange'])) {
  cluster.addEventListener(type, () => incidents.refresh());
}
cluster.addEventListener('kube:resync', () => toast(t('frame.gap'), 'info'));
cluster.addEventListener('kube:error', (event) => toast(event.detail.message, 'failed'));

document.addEventListener('view', () => repaint(count));
showStatus(cluster);
new Account(cluster);
listenForKeys();
handleActions(cluster, (progress) => {
  dialog.show(progress);
  const element = cluster.resource(progress.uid);
  if (element) take({ added: [], changed: [element], removed: [] });
});
// What came before this module ran.
take({
  added: [...cluster.querySelectorAll('*')].filter((element) => element instanceof KubeResource),
  changed: [],
  removed: [],
});
