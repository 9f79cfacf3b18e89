import { sqliteConformance } from '../store-conformance/store-conformance-sqlite.js';

sqliteConformance();
