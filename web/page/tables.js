/**
 * The three tables of resources, each with what narrows it.
 *
 * @import {KubeCluster} from '../index.js'
 */
import { FilterBar } from './filter-bar.js';
import { byId } from './html.js';
import { nodesTable, workloadsTable } from './other-tables.js';
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
  return [podsTable(cluster, bars.pods), workloadsTable(cluster, bars.workloads), nodesTable(cluster, bars.nodes)];
}
