import actions from './de/actions.js';
import forms from './de/forms.js';
import frame from './de/frame.js';
import healing from './de/healing.js';
import incidents from './de/incidents.js';
import logs from './de/logs.js';
import overview from './de/overview.js';
import tables from './de/tables.js';

/** Die deutschen Texte. */
/** @type {import('./catalogue.js').Catalogue} */
const de = { ...frame, ...actions, ...overview, ...incidents, ...tables, ...logs, ...forms, ...healing };
export default de;
