/** Response header with the `requestId` of the request's log line. Ignored in a request. */
export const REQUEST_ID_HEADER = 'linkgrant-request-id';
