/** Response texts of Skupper's grant server. Clients identify a refusal by its exact text. */
export const STOCK_TEXT = {
  bodyNotValid: 'Request body not valid',
  refused: 'Redemption of access token refused',
  noClaim: 'No such claim',
  noGrantLeft: 'No such access granted',
  postOnly: 'Only POST is supported',
  corruptedClaim: 'Corrupted claim',
  noIssuer: 'Could not get issuer for requested certificate',
  edgeSite: 'Edge sites cannot accept incoming links from remote sites',
  noEndpoints: 'No valid endpoints found for site',
  internal: 'Internal error',
} as const;

/** The beginnings of response texts that end with a namespace or a name. */
export const STOCK_TEXT_BEGINNING = {
  noSite: 'Site not yet defined for ',
  unreadableCa: 'error reading CA Certificate from Secret ',
} as const;
