/** The header of every answer that names it as its log line does (`requestId`). One that a client sends is not looked at. */
export const REQUEST_ID_HEADER = 'linkgrant-request-id';
