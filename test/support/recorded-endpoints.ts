/** The endpoints in the responses of Skupper's grant server that `fixtures/traces` contains. */
export const RECORDED_ENDPOINTS = [
  { name: 'inter-router', host: 'skupper-router.bench.example.com', port: '55671', group: 'skupper-router' },
  { name: 'edge', host: 'skupper-router.bench.example.com', port: '45671', group: 'skupper-router' },
] as const;
