import type en from './en.js';

/** A sentence with `{name}`s, or one for each plural category (`Intl.PluralRules`) of `count`. */
export type Text = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
export type Key = keyof typeof en;
export type Catalogue = Readonly<Record<Key, Text>>;
