import type { components } from '../../../domain/generated/admin-api.js';

/** The schemas of the admin API, from openapi.yaml. */
export type Schemas = components['schemas'];
