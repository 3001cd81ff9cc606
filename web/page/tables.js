/**
 * The three tables of resources, each with what narrows it.
 *
 * In: what came, changed and went. A node's row also changes with the pods that are on it.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 */
import { FilterBar } from './filter-bar.js';
import { byId } from './html.js';
import { nodesTable, workloadsTable } from './other-tables.js';
import { Placement } from './placement.js';
import { podsTable } from './pods-table.js';

/** @param {KubeCluster} cluster */
export function mountTables(cluster) {
  const bars = {
    pods: new FilterBar({ view: 'pods', place: byId('podsHead'), choices: ['ns', 'status', 'node'], labels: true, searchId: 'podSearch' }),
    workloads: new FilterBar({ view: 'workloads', place: byId('workloadsHead'), choices: ['ns', 'kind', 'status'], labels: true, searchId: 'workloadSearch' }),
    nodes: new FilterBar({ view: 'nodes', place: byId('nodesHead'), choices: ['status'], labels: true, searchId: 'nodeSearch' }),
  };
  for (const [view, bar] of Object.entries(bars)) {
    byId(`view-${view}`).querySelector('.clearFilters')?.addEventListener('click', () => bar.clear());
  }
  const placement = new Placement();
  const nodes = nodesTable(cluster, bars.nodes, placement);
  const tables = [podsTable(cluster, bars.pods), workloadsTable(cluster, bars.workloads), nodes];
  return {
    /** @param {{added: KubeResource[], changed: KubeResource[], removed: KubeResource[]}} change */
    take(change) {
      const differ = placement.take(change);
      for (const table of tables) table.take(change);
      for (const node of differ) nodes.refresh(node);
    },
    settle() {
      for (const table of tables) table.settle();
    },
  };
}
