import { sqliteConformance } from './store-conformance-sqlite.js';

sqliteConformance();
