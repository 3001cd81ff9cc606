import actions from './en/actions.js';
import forms from './en/forms.js';
import frame from './en/frame.js';
import healing from './en/healing.js';
import incidents from './en/incidents.js';
import logs from './en/logs.js';
import overview from './en/overview.js';
import tables from './en/tables.js';

/** The English texts, which say which there are. */
const en = { ...frame, ...actions, ...overview, ...incidents, ...tables, ...logs, ...forms, ...healing };
export default /** @satisfies {Record<string, import('./catalogue.js').Text>} */ (en);
