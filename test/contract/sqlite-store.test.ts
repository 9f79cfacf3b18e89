import { DRIVERS } from '../support/stores/sqlite-file.js';
import { sqliteConformance } from './store-conformance-sqlite.js';

for (const driver of DRIVERS) sqliteConformance(driver);
