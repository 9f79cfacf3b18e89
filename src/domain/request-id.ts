/** The header of every answer with the id that its log line has (`requestId`). One that a client sends is ignored. */
export const REQUEST_ID_HEADER = 'linkgrant-request-id';
