/** Response header with the id in the log line of the request (`requestId`). The header of a request is ignored. */
export const REQUEST_ID_HEADER = 'linkgrant-request-id';
