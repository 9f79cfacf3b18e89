// Written by scripts/admin-client.mjs from openapi.yaml.
export interface paths {
    "/{grantUid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the AccessGrant */
                grantUid: components["parameters"]["GrantUid"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Redeem one use of a grant
         * @description The code is compared in constant time, before anything else about the grant is checked. A replay, the same CSR key within the same grant, returns the same
         *     certificate and counts no use, even if the grant has expired or is exhausted by now. A use is counted in the commit
         *     that records the certificate; the response is sent after that.
         */
        post: operations["redeem"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{grantUid}/-/check": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the AccessGrant */
                grantUid: components["parameters"]["GrantUid"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check the state of a grant without redeeming it
         * @description With a signed code, redemptions and redemptionsAllowed are those of the code, and expirationTime is the earlier one of code and grant. state is that of the code or, if the code is ready, that of the grant; a revoked grant is always revoked.
         */
        post: operations["check"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{namespace}/{grantName}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Namespace of the AccessGrant (RFC 1123 label) */
                namespace: components["parameters"]["Namespace"];
                /** @description Name of the AccessGrant (RFC 1123 subdomain) */
                grantName: components["parameters"]["GrantName"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Redeem by namespace and name (only with --allow-redeem-by-key)
         * @description An unknown name and a wrong code get the same response, 404 `No such claim`.
         */
        post: operations["redeemByKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{namespace}/{grantName}/-/check": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Namespace of the AccessGrant (RFC 1123 label) */
                namespace: components["parameters"]["Namespace"];
                /** @description Name of the AccessGrant (RFC 1123 subdomain) */
                grantName: components["parameters"]["GrantName"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check the state of a grant by namespace and name (only with --allow-redeem-by-key) */
        post: operations["checkByKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/-/renew": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a link's next certificate
         * @description The request is signed by the key of the link's newest certificate, and requests a certificate for a new key. A request
         *     signed by the certificate before it, for the key of the newest certificate, returns the newest certificate again. The
         *     signature is verified before anything else. The response has no `tls.key`.
         */
        post: operations["renew"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/oauth-protected-resource": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Describe how users log in
         * @description The protected resource metadata of RFC 9728, without authentication: the OIDC issuer, and the client id and the scopes of
         *     `linkgrant login`. Only with `--login-client`; without it the path is refused like any other unknown one.
         */
        get: operations["describeLogin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/service": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Describe the service */
        get: operations["describeService"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List grants
         * @description Sorted by namespace and name.
         */
        get: operations["listGrants"];
        put?: never;
        /**
         * Create a grant
         * @description The code is returned in this response only.
         */
        post: operations["createGrant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants/{uid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the grant */
                uid: components["parameters"]["Uid"];
            };
            cookie?: never;
        };
        /** Show a grant and its last attempts */
        get: operations["showGrant"];
        put?: never;
        post?: never;
        /**
         * Delete a grant
         * @description Its redemptions stay in the ledger, and its links stay valid.
         */
        delete: operations["deleteGrant"];
        options?: never;
        head?: never;
        /**
         * Change a grant
         * @description Absent members stay as they are; a rule, label or note that is null is removed. If a file declares the grant, only its labels and note can be changed.
         */
        patch: operations["updateGrant"];
        trace?: never;
    };
    "/api/v1/grants/{uid}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the grant */
                uid: components["parameters"]["Uid"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke a grant
         * @description Its links stay valid, unless cascade revokes their redemptions too.
         */
        post: operations["revokeGrant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List signed tokens
         * @description Sorted by grant and id. Tokens of deleted grants are not listed, and no codes are returned.
         */
        get: operations["listTokens"];
        put?: never;
        /**
         * Issue a token of a grant
         * @description Returns a signed token with its own expiry, uses and subject, within those of the grant. With `code`, the grant's own code, returns a token with that code. Only this response contains the AccessToken.
         */
        post: operations["issueToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the signed token */
                id: components["parameters"]["TokenId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke a signed token
         * @description A token that the service does not know yet can be revoked too. Links that were created with it stay valid.
         */
        post: operations["revokeToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/redemptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List redemptions, oldest first */
        get: operations["listRedemptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/redemptions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the redemption */
                id: components["parameters"]["RedemptionId"];
            };
            cookie?: never;
        };
        /** Show a redemption with its certificates and its ledger */
        get: operations["showRedemption"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change the labels and the note of a redemption
         * @description Absent members stay as they are; a label or note that is null is removed. The ledger does not cover them.
         */
        patch: operations["updateRedemption"];
        trace?: never;
    };
    "/api/v1/redemptions/{id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the redemption */
                id: components["parameters"]["RedemptionId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke a redemption
         * @description If the token or grant of the link can still be redeemed, `source` must specify what to do with it. The link's certificate stays valid until it expires.
         */
        post: operations["revokeRedemption"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read figures about the whole store, and what needs attention
         * @description A process computes the overview at most once a second, for all clients together. A response is never older than its request, so it may take a second
         */
        get: operations["readOverview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Run every check of the service, as linkgrant doctor does
         * @description Checks the data directory, the store, the ports, the URL in tokens, the certificates and the sites. The response may take some seconds. A process runs them at most once a second; clients that wait at the same time share one run
         */
        get: operations["checkHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List links, newest first
         * @description A link is a redemption with its newest certificate. `GET /api/v1/redemptions/{id}` has its details.
         */
        get: operations["listLinks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/issuers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the issuers and their CAs, by namespace and name
         * @description An issuer has one active CA. During a rotation it also has the prepared CA, or retiring ones, which responses contain until no link
         *     depends on them. `linkgrant issuer prepare`, `activate` and `retire` rotate the CAs of owner `linkgrant` on the host of the
         *     service: each step also needs a change at the routers. `changes` does not report issuers; read them again after a change of
         *     `links` or `grants`.
         */
        get: operations["listIssuers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what changed, once or as a stream
         * @description A client whose `Accept` prefers `text/event-stream` receives Server-Sent Events until it closes the connection. The first event
         *     is `hello` with the present version. `changed` names a resource that the client should read again. `heartbeat` arrives every
         *     15 seconds. Changes by other processes on the same store are reported too, within about a second. The service ends a stream
         *     after 15 minutes, and disconnects a client that does not read. A caller can have 20 open streams
         *     to each process of the service. Other clients receive one answer in JSON.
         */
        get: operations["readChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ledger-verifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start to verify the ledger
         * @description Verifies the whole ledger in the background. If a verification is running on this store, the answer is about that one; two processes that start at almost the same time can both verify. Every worker and every service on the store returns the last one; a process retains 20 that it ran itself.
         */
        post: operations["startLedgerVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ledger-verifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the verification */
                id: components["parameters"]["VerificationId"];
            };
            cookie?: never;
        };
        /** Show a verification of the ledger */
        get: operations["showLedgerVerification"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the ledger
         * @description The entries, then the counts of repeated attempts.
         */
        get: operations["listEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @enum {string} */
        RefusalCode: "code_wrong" | "grant_unknown" | "grant_expired" | "grant_revoked" | "grant_exhausted" | "code_expired" | "code_revoked" | "code_exhausted" | "policy_subject" | "policy_name" | "policy_source" | "policy_key" | "policy_csr_required" | "csr_invalid" | "key_weak" | "name_invalid" | "subject_invalid" | "body_invalid" | "body_too_large" | "body_timeout" | "method_not_allowed" | "link_access_unavailable" | "edge_site" | "issuer_unavailable" | "issuer_untrusted" | "not_yet_valid" | "repeated_redemption" | "renewal_invalid" | "renewal_refused" | "renewal_stale" | "renewal_expired" | "superseded" | "site_replaced" | "redemption_revoked" | "overloaded" | "store_unavailable" | "internal";
        /** @description An RFC 9457 problem, sent instead of the text to a client that accepts it */
        Problem: {
            /** @constant */
            type: "about:blank";
            title: string;
            status: number;
            code: components["schemas"]["RefusalCode"];
            /**
             * Format: date-time
             * @description The service's time; only with renewal_stale
             */
            serverTime?: string;
        };
        Endpoint: {
            /** @enum {unknown} */
            name: "inter-router" | "edge" | "inter-network";
            host: string;
            port: string;
            group: string;
        };
        Check: {
            /** @enum {unknown} */
            state: "pending" | "ready" | "expired" | "exhausted" | "revoked";
            redemptions: number;
            redemptionsAllowed: number;
            /**
             * Format: date-time
             * @description When the grant ends; null until it is ready
             */
            expirationTime: string | null;
            link: {
                /** @description The present endpoints of a Link; empty while the site accepts no links */
                endpoints: components["schemas"]["Endpoint"][];
            };
            /** @description The grant's rules in the form of `spec.settings` of an AccessGrant. List items are separated by commas; an empty list permits no client. If a signed code is not valid yet, `linkgrant/not-before` is the time from which it is valid. */
            policy: {
                "linkgrant/subjects"?: string;
                "linkgrant/names"?: string;
                "linkgrant/source-cidrs"?: string;
                "linkgrant/key-types"?: string;
                "linkgrant/endpoint-roles"?: string;
                /** @description A duration such as `12h` or `30d` */
                "linkgrant/certificate-lifetime"?: string;
                /** @enum {unknown} */
                "linkgrant/csr-required"?: "true" | "false";
                /** Format: date-time */
                "linkgrant/not-before"?: string;
            };
            /** Format: date-time */
            serverTime: string;
        };
        /** @enum {unknown} */
        GrantState: "pending" | "ready" | "expired" | "exhausted" | "revoked";
        /** @description Rules in the form of `spec.settings` of an AccessGrant */
        Policy: {
            "linkgrant/subjects"?: string;
            "linkgrant/names"?: string;
            "linkgrant/source-cidrs"?: string;
            "linkgrant/key-types"?: string;
            "linkgrant/endpoint-roles"?: string;
            "linkgrant/certificate-lifetime"?: string;
            "linkgrant/csr-required"?: string;
            "linkgrant/not-before"?: string;
        };
        /** @description Rules to set; null removes a rule */
        PolicyChange: {
            "linkgrant/subjects"?: string | null;
            "linkgrant/names"?: string | null;
            "linkgrant/source-cidrs"?: string | null;
            "linkgrant/key-types"?: string | null;
            "linkgrant/endpoint-roles"?: string | null;
            "linkgrant/certificate-lifetime"?: string | null;
            "linkgrant/csr-required"?: string | null;
            "linkgrant/not-before"?: string | null;
        };
        /** @description At most 32 labels, with keys and values in the syntax of Kubernetes labels. Keys of linkgrant and Skupper are reserved. */
        Labels: {
            [key: string]: string;
        };
        /** @description Labels to set; null removes a label */
        LabelChange: {
            [key: string]: string | null;
        };
        /** @description One line of text without control characters */
        Note: string;
        /** @description One line of text without control characters; null removes the note */
        NoteChange: string | null;
        Login: {
            /** @description The address at which the client reached the admin API */
            resource: string;
            /** @description The OIDC issuer */
            authorization_servers: string[];
            /** @description The scopes that `linkgrant login` requests */
            scopes_supported: string[];
            bearer_methods_supported: string[];
            /** @description The client id of `linkgrant login` at the issuer */
            linkgrant_client_id: string;
        };
        Service: {
            /**
             * @description The role of the caller
             * @enum {string}
             */
            role: "viewer" | "operator";
            /** @description The namespace of a request that names none */
            namespace: string;
            url?: string;
            platform?: string;
        };
        Grant: {
            name: string;
            namespace: string;
            /** Format: uuid */
            uid: string;
            state: components["schemas"]["GrantState"];
            /** @description Why it cannot be redeemed, or what is wrong with a ready grant; absent once it has ended */
            reason?: string;
            redemptions: number;
            redemptionsAllowed: number;
            /** @description A duration such as `15m` */
            expirationWindow: string;
            /**
             * Format: date-time
             * @description Absent until the grant was ready for the first time
             */
            expirationTime?: string;
            issuer?: string;
            policy?: components["schemas"]["Policy"];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            revokedAt?: string;
            labels: components["schemas"]["Labels"];
            note?: components["schemas"]["Note"];
        };
        CreatedGrant: {
            name: string;
            namespace: string;
            /** Format: uuid */
            uid: string;
            state: components["schemas"]["GrantState"];
            /** @description Why it cannot be redeemed, or what is wrong with a ready grant; absent once it has ended */
            reason?: string;
            redemptions: number;
            redemptionsAllowed: number;
            /** @description A duration such as `15m` */
            expirationWindow: string;
            /**
             * Format: date-time
             * @description Absent until the grant was ready for the first time
             */
            expirationTime?: string;
            issuer?: string;
            policy?: components["schemas"]["Policy"];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            revokedAt?: string;
            labels: components["schemas"]["Labels"];
            note?: components["schemas"]["Note"];
            url: string;
            /** @description Returned only once */
            code: string;
        };
        Attempt: {
            /** Format: date-time */
            at: string;
            outcome: string;
            name: string;
            subject: string;
            peer: string;
            count: number;
            /** Format: uuid */
            redemptionId?: string;
        };
        GrantDetail: {
            name: string;
            namespace: string;
            /** Format: uuid */
            uid: string;
            state: components["schemas"]["GrantState"];
            /** @description Why it cannot be redeemed, or what is wrong with a ready grant; absent once it has ended */
            reason?: string;
            redemptions: number;
            redemptionsAllowed: number;
            /** @description A duration such as `15m` */
            expirationWindow: string;
            /**
             * Format: date-time
             * @description Absent until the grant was ready for the first time
             */
            expirationTime?: string;
            issuer?: string;
            policy?: components["schemas"]["Policy"];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            revokedAt?: string;
            labels: components["schemas"]["Labels"];
            note?: components["schemas"]["Note"];
            url?: string;
            signedTokens: number;
            signedTokensRevoked: number;
            /** @description The last ten, newest first */
            attempts: components["schemas"]["Attempt"][];
        };
        GrantPage: {
            items: components["schemas"]["Grant"][];
            /** @description The `cursor` of the next page; absent only on the last page. Other pages may also have fewer items than the limit, even none */
            next?: string;
        };
        CreateGrantRequest: {
            /** @default default */
            namespace: string;
            name: string;
            /** @description At most 1,000,000; 1 unless given */
            redemptionsAllowed?: number;
            /** @description A duration; 15m unless given */
            expirationWindow?: string;
            /** @description A user-supplied code of at least 16 characters, not easy to guess */
            code?: string;
            /** @description Name of the CA that signs */
            issuer?: string;
            policy?: components["schemas"]["Policy"];
            labels?: components["schemas"]["Labels"];
            note?: components["schemas"]["Note"];
        };
        GrantChange: {
            /** @description At most 1,000,000 */
            redemptionsAllowed?: number;
            /** @description Counted from when the grant was first ready */
            expirationWindow?: string;
            policy?: components["schemas"]["PolicyChange"];
            labels?: components["schemas"]["LabelChange"];
            note?: components["schemas"]["NoteChange"];
        };
        GrantRevocation: {
            /**
             * @description Revokes every redemption of it too
             * @default false
             */
            cascade: boolean;
        };
        RevokedGrant: {
            /** Format: uuid */
            uid: string;
            name: string;
            /**
             * @description `already_revoked`: it had been revoked before
             * @enum {unknown}
             */
            outcome: "revoked" | "already_revoked";
            /** @description Number of its links that can still connect or be renewed, before `cascade` revokes them */
            links: number;
            /**
             * Format: date-time
             * @description Latest expiry of the newest certificates of these links
             */
            lastEnd?: string;
        };
        Token: {
            id: string;
            grant: string;
            namespace: string;
            /** Format: uuid */
            grantUid: string;
            state: components["schemas"]["GrantState"];
            redemptions: number;
            redemptionsAllowed: number;
            /** Format: date-time */
            expirationTime: string;
            subject?: string;
            /**
             * Format: date-time
             * @description Absent for a token that was issued without the service
             */
            issuedAt?: string;
            /** Format: date-time */
            revokedAt?: string;
        };
        TokenPage: {
            items: components["schemas"]["Token"][];
            /** @description The `cursor` of the next page; absent only on the last page. Other pages may also have fewer items than the limit, even none */
            next?: string;
        };
        IssueTokenRequest: {
            /** Format: uuid */
            grantUid: string;
            /** @description Name of the token, and so of the link; the grant's unless given */
            name?: string;
            linkCost?: number;
            /** @description At most that of the grant; 1 unless given */
            redemptionsAllowed?: number;
            /** @description A duration; until the grant's end unless given */
            expirationWindow?: string;
            /** @description The only subject that may redeem it */
            subject?: string;
            /** @description The grant's own code */
            code?: string;
        };
        AccessToken: {
            /** @constant */
            apiVersion: "skupper.io/v2alpha1";
            /** @constant */
            kind: "AccessToken";
            metadata: {
                annotations?: {
                    [key: string]: string;
                };
                name: string;
            };
            spec: {
                ca: string;
                code: string;
                linkCost?: number;
                url: string;
            };
        };
        IssuedToken: {
            /** @description Of a signed token */
            id?: string;
            /** Format: uuid */
            grantUid: string;
            redemptionsAllowed: number;
            /** Format: date-time */
            expirationTime?: string;
            subject?: string;
            /** @description Where links lead now */
            endpoints: components["schemas"]["Endpoint"][];
            /** @description Of the grant, for all its tokens together */
            redemptionsLeft: number;
            token: components["schemas"]["AccessToken"];
            /** @description The same token as one word, for `linkgrant join`; a secret. Absent if the code is too long */
            joinLine?: string;
        };
        TokenRevocation: {
            /** Format: uuid */
            grantUid: string;
        };
        RevokedToken: {
            id: string;
            /** Format: uuid */
            grantUid: string;
            /** @enum {unknown} */
            outcome: "revoked" | "already_revoked";
            /** @description False for a token that the service did not know */
            known: boolean;
            /** @description Its links that are not revoked */
            links: {
                /** Format: uuid */
                id: string;
                name: string;
                subject: string;
            }[];
        };
        Renewal: {
            number: number;
            /** Format: date-time */
            renewedAt: string;
            peer: string;
            serial: string;
            keySha256: string;
            certificateSha256: string;
            /** @description SHA-256 of the CA that signed it */
            issuerSha256: string;
            /** Format: date-time */
            notAfter: string;
        };
        Redemption: {
            /** Format: uuid */
            id: string;
            /** @description Name of its grant; absent in the answer to a revocation, and if the grant was deleted */
            grant?: string;
            /** Format: uuid */
            grantUid: string;
            /** Format: date-time */
            createdAt: string;
            /** @enum {unknown} */
            mode: "csr" | "stock" | "generated";
            name: string;
            subject: string;
            peer: string;
            /** @description Id of the signed token that was redeemed */
            jti?: string;
            serial: string;
            keySha256: string;
            certificateSha256: string;
            /** @description SHA-256 of the CA that signed it */
            issuerSha256: string;
            /** Format: date-time */
            notAfter: string;
            newest?: components["schemas"]["Renewal"];
            /** Format: date-time */
            revokedAt?: string;
            labels: components["schemas"]["Labels"];
            note?: components["schemas"]["Note"];
            /** @description Whether its site is connected now; absent if that is not known */
            connected?: boolean;
            canStill: string;
            remaining: string;
        };
        RedemptionPage: {
            items: components["schemas"]["Redemption"][];
            /** @description The `cursor` of the next page; absent only on the last page. Other pages may also have fewer items than the limit, even none */
            next?: string;
        };
        RenewalDetail: {
            number: number;
            /** Format: date-time */
            renewedAt: string;
            peer: string;
            serial: string;
            keySha256: string;
            certificateSha256: string;
            /** @description SHA-256 of the CA that signed it */
            issuerSha256: string;
            /** Format: date-time */
            notAfter: string;
            certificate: string;
        };
        RedemptionDetail: {
            /** Format: uuid */
            id: string;
            /** @description Name of its grant; absent if the grant was deleted */
            grant?: string;
            /** Format: uuid */
            grantUid: string;
            /** Format: date-time */
            createdAt: string;
            /** @enum {unknown} */
            mode: "csr" | "stock" | "generated";
            name: string;
            subject: string;
            peer: string;
            /** @description Id of the signed token that was redeemed */
            jti?: string;
            serial: string;
            keySha256: string;
            certificateSha256: string;
            /** @description SHA-256 of the CA that signed it */
            issuerSha256: string;
            /** Format: date-time */
            notAfter: string;
            newest?: components["schemas"]["Renewal"];
            /** Format: date-time */
            revokedAt?: string;
            labels: components["schemas"]["Labels"];
            note?: components["schemas"]["Note"];
            /** @description Whether its site is connected now; absent if that is not known */
            connected?: boolean;
            canStill: string;
            remaining: string;
            /** @description PEM of the first certificate, followed by its chain */
            certificate: string;
            renewals?: components["schemas"]["RenewalDetail"][];
            ledger: components["schemas"]["Event"][];
        };
        RedemptionChange: {
            labels?: components["schemas"]["LabelChange"];
            note?: components["schemas"]["NoteChange"];
        };
        RedemptionRevocation: {
            /** @enum {unknown} */
            source?: "with-token" | "with-grant" | "keep-token";
        };
        RevokedRedemption: {
            /** @enum {unknown} */
            outcome: "revoked" | "already_revoked";
            redemption: components["schemas"]["Redemption"];
            /** @description The token or grant that was still redeemable, and what was done with it */
            source?: {
                grant: string;
                tokenId?: string;
                redemptionsLeft: number;
                /** Format: date-time */
                expirationTime?: string;
                /** @enum {unknown} */
                choice: "with-token" | "with-grant" | "keep-token";
            };
            /** @description Other valid links of the grant that the same site may have */
            related: {
                /** Format: uuid */
                id: string;
                name: string;
                subject: string;
                /** Format: date-time */
                notAfter: string;
            }[];
        };
        /** @description An entry of the ledger, or a count of repeated attempts */
        Event: {
            /**
             * Format: uuid
             * @description Absent in an entry about the whole store
             */
            grantUid?: string;
            seq?: number;
            /** Format: date-time */
            time: string;
            kind: string;
            /** Format: uuid */
            redemptionId?: string;
            name?: string;
            subject?: string;
            peer?: string;
            jti?: string;
            number?: number;
            serial?: string;
            keySha256?: string;
            certificateSha256?: string;
            /** Format: date-time */
            notAfter?: string;
            /** @description Of a grant that was created or changed */
            redemptionsAllowed?: number;
            /** @description Of a signed token */
            uses?: number;
            /**
             * Format: date-time
             * @description Of a grant or a signed token
             */
            expirationTime?: string;
            /** @description Key of a setting of the store */
            setting?: string;
            /** @description Why a client was refused repeatedly, an error code */
            code?: string;
            count?: number;
            /** Format: date-time */
            firstTime?: string;
        };
        EventPage: {
            items: components["schemas"]["Event"][];
            /** @description The `cursor` of the next page; absent only on the last page. Other pages may also have fewer items than the limit, even none */
            next?: string;
        };
        /**
         * @description `expiring`: the newest certificate ends within 7 days, and at most a third of its lifetime is left
         * @enum {string}
         */
        LinkState: "valid" | "expiring" | "expired" | "revoked";
        Link: {
            /**
             * Format: uuid
             * @description Id of its redemption
             */
            id: string;
            /** @description Name of its grant; absent if the grant was deleted */
            grant?: string;
            /** Format: uuid */
            grantUid: string;
            namespace: string;
            /**
             * @description Where its key was generated. `csr`: on the requesting site. `stock`: by the service, for a client without a certificate request. `generated`: by the service, for a link created on the accepting side
             * @enum {unknown}
             */
            mode: "csr" | "stock" | "generated";
            name: string;
            subject: string;
            /** @description Address of the client at the last contact */
            peer: string;
            /** @description Id of the signed token that was redeemed */
            jti?: string;
            /**
             * Format: date-time
             * @description When the token was redeemed
             */
            since: string;
            /**
             * Format: date-time
             * @description When the newest certificate ends
             */
            notAfter: string;
            /** @description SHA-256 of the CA that signed the newest certificate */
            issuerSha256: string;
            renewals: number;
            /**
             * Format: date-time
             * @description When the newest certificate was issued
             */
            lastContact: string;
            state: components["schemas"]["LinkState"];
            /** @description True if it is overdue for renewal, because a quarter or less of the certificate's lifetime is left */
            notRenewing: boolean;
            /** @description Null if it is not known */
            connected: boolean | null;
            /** Format: date-time */
            revokedAt?: string;
            labels: components["schemas"]["Labels"];
            note?: components["schemas"]["Note"];
        };
        LinkPage: {
            items: components["schemas"]["Link"][];
            /** @description The `cursor` of the next page; absent only on the last page. Other pages may also have fewer items than the limit, even none */
            next?: string;
        };
        Authority: {
            /**
             * @description `active` signs, `prepared` signs next, `retiring` has signed before. For an issuer that linkgrant does not manage, each other CA in the responses is `trusted`: a previous or next one, or one above the active one
             * @enum {unknown}
             */
            role: "active" | "prepared" | "retiring" | "trusted";
            /**
             * @description `expiring`: a third of its lifetime or less is left. `early`: it is not valid yet
             * @enum {unknown}
             */
            state: "valid" | "expiring" | "expired" | "early";
            subject: string;
            /** @description SHA-256 of the certificate */
            sha256: string;
            /** Format: date-time */
            notBefore: string;
            /** Format: date-time */
            notAfter: string;
            /**
             * Format: date-time
             * @description Since when another CA signs; only of a retiring CA
             */
            replacedAt?: string;
            /** @description Number of links that depend on it, as `GET /api/v1/links?signedBy` lists them. For the CA of the service: null, or while it is retiring the number of links that have had no response since it was replaced */
            links: number | null;
        };
        Issuer: {
            /** @description What a grant names as its issuer. The external CA of `--issuer-cert` has the name of the CA that it replaces */
            name: string;
            /** @description Namespace of its site; absent for an issuer in the data directory of the service */
            namespace?: string;
            /**
             * @description Who rotates its CAs; `external` for the CA of `--issuer-cert`
             * @enum {unknown}
             */
            owner: "linkgrant" | "skupper" | "external";
            /**
             * @description What it signs, the certificates of links or the one of the service
             * @enum {unknown}
             */
            signs: "links" | "service";
            /** @description True if it signs the links of grants that name no issuer */
            default: boolean;
            /** @description Grants that are pending or ready and whose links it signs */
            grants: number;
            /** @description Why it cannot be read or cannot sign now */
            problem?: string;
            /** @description Its CAs, the active one first */
            authorities: components["schemas"]["Authority"][];
        };
        IssuerPage: {
            items: components["schemas"]["Issuer"][];
            /** @description The `cursor` of the following page; absent on the last one */
            next?: string;
        };
        Health: {
            /** @description False if a check found an error */
            ready: boolean;
            findings: components["schemas"]["HealthFinding"][];
        };
        HealthFinding: {
            check: string;
            /** @enum {unknown} */
            status: "ok" | "warning" | "error";
            message: string;
            /** @description A step, with each command in backticks; absent if nothing is wrong */
            remedy?: string;
        };
        Overview: {
            /** Format: date-time */
            time: string;
            grants: {
                pending: number;
                ready: number;
                /** @description Expired, exhausted or revoked */
                ended: number;
            };
            /** @description Signed tokens that can still be redeemed */
            openTokens: number;
            links: {
                /** @description Links with a valid certificate that are not revoked */
                known: number;
                /** @description Null if it is not known */
                connected: number | null;
                expiringSoon: number;
                notRenewing: number;
                expired: number;
                revoked: number;
            };
            /** @description What is known about connections; absent if nothing reports them */
            connections?: {
                /**
                 * Format: date-time
                 * @description Absent if nothing was observed yet
                 */
                observedAt?: string;
                /** @description Why the last observation failed */
                problem?: string;
                /** @description Connected peers without a link, at most 100 */
                unknownPeers: {
                    siteId: string;
                    siteName: string;
                    linkName: string;
                }[];
            };
            /** @description Most frequent first, from totals whose last refusal is in the last 24 hours */
            refusals: {
                code: string;
                count: number;
                /** Format: date-time */
                last: string;
            }[];
            /** @description The checks that return at once; `GET /api/v1/health` runs all */
            health: components["schemas"]["Health"];
            /** @description The most urgent first */
            attention: {
                /** @enum {unknown} */
                kind: "service-not-ready" | "no-endpoints" | "link-revoked-connected" | "peer-unknown" | "link-expired" | "link-expiring" | "link-not-renewing" | "grants-pending";
                message: string;
                /** @description A command */
                nextStep: string;
                resource?: {
                    /** @constant */
                    kind: "link";
                    /** Format: uuid */
                    id: string;
                };
            }[];
        };
        Changes: {
            version: string;
            /** @description What changed after the version `since`; empty without it */
            changed: ("grants" | "links" | "ledger")[];
        };
        LedgerVerification: {
            /** Format: uuid */
            id: string;
            /**
             * @description `failed` if the store could not be read, or the key of the ledger is missing
             * @enum {string}
             */
            state: "running" | "done" | "failed";
            /** @description Number of verified entries */
            checked: number;
            total: number;
            result?: {
                ok: boolean;
                /** @description The first fault, if there is one */
                problems: {
                    message: string;
                    /** Format: uuid */
                    grantUid?: string;
                    seq?: number;
                }[];
                /**
                 * @description True if the store has no chain of MACs, so that nothing could be verified
                 * @constant
                 */
                unchained?: true;
            };
            /** @description Why it failed */
            error?: string;
        };
        /** @enum {string} */
        AdminCode: "bearer_missing" | "bearer_invalid" | "bearer_expired" | "role_insufficient" | "origin_refused" | "identity_unavailable" | "request_invalid" | "request_too_large" | "request_timeout" | "media_type_unsupported" | "no_such_route" | "no_such_grant" | "no_such_redemption" | "no_such_verification" | "name_taken" | "grant_declared" | "grant_state" | "source_redeemable" | "value_rejected" | "idempotency_key_reused" | "outcome_gone" | "service_unknown" | "signing_keys_foreign" | "no_link_access" | "method_not_allowed" | "too_many_streams" | "store_unavailable" | "internal";
        /** @description An RFC 9457 problem */
        AdminProblem: {
            /** @constant */
            type: "about:blank";
            title: string;
            status: number;
            code: components["schemas"]["AdminCode"];
            detail: string;
            hint?: string;
            /** @description The possible choices, if a choice is missing */
            choices?: string[];
        };
    };
    responses: {
        /** @description How users log in */
        AdminLogin: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "resource": "https://grants.example.com:9443",
                 *       "authorization_servers": [
                 *         "https://id.example.com/realms/ops"
                 *       ],
                 *       "scopes_supported": [
                 *         "openid",
                 *         "profile"
                 *       ],
                 *       "bearer_methods_supported": [
                 *         "header"
                 *       ],
                 *       "linkgrant_client_id": "linkgrant-cli"
                 *     }
                 */
                "application/json": components["schemas"]["Login"];
            };
        };
        /** @description Properties of the service */
        AdminService: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "namespace": "default",
                 *       "role": "operator",
                 *       "url": "https://grants.example.com:9090",
                 *       "platform": "standalone"
                 *     }
                 */
                "application/json": components["schemas"]["Service"];
            };
        };
        /** @description A page of grants */
        AdminGrants: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "name": "to-west",
                 *           "namespace": "default",
                 *           "uid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *           "state": "ready",
                 *           "redemptions": 0,
                 *           "redemptionsAllowed": 1,
                 *           "expirationWindow": "15m",
                 *           "expirationTime": "2031-03-04T05:21:07Z",
                 *           "policy": {
                 *             "linkgrant/subjects": "east,east-*"
                 *           },
                 *           "createdAt": "2031-03-04T05:06:07Z",
                 *           "labels": {
                 *             "team": "payments"
                 *           },
                 *           "note": "for the shop in Berlin, ticket 4711"
                 *         }
                 *       ],
                 *       "next": "WyJkZWZhdWx0IiwidG8td2VzdCJd"
                 *     }
                 */
                "application/json": components["schemas"]["GrantPage"];
            };
        };
        /** @description The grant, with its code */
        AdminCreatedGrant: {
            headers: {
                location: components["headers"]["Location"];
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "name": "to-west",
                 *       "namespace": "default",
                 *       "uid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "state": "ready",
                 *       "redemptions": 0,
                 *       "redemptionsAllowed": 1,
                 *       "expirationWindow": "15m",
                 *       "expirationTime": "2031-03-04T05:21:07Z",
                 *       "policy": {
                 *         "linkgrant/subjects": "east,east-*"
                 *       },
                 *       "createdAt": "2031-03-04T05:06:07Z",
                 *       "labels": {
                 *         "team": "payments"
                 *       },
                 *       "note": "for the shop in Berlin, ticket 4711",
                 *       "url": "https://grants.example.com:9090/22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "code": "…the code, this once…"
                 *     }
                 */
                "application/json": components["schemas"]["CreatedGrant"];
            };
        };
        /** @description The grant with its last attempts and the number of its signed tokens */
        AdminGrant: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "name": "to-west",
                 *       "namespace": "default",
                 *       "uid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "state": "exhausted",
                 *       "redemptions": 1,
                 *       "redemptionsAllowed": 1,
                 *       "expirationWindow": "15m",
                 *       "expirationTime": "2031-03-04T05:21:07Z",
                 *       "policy": {
                 *         "linkgrant/subjects": "east,east-*"
                 *       },
                 *       "createdAt": "2031-03-04T05:06:07Z",
                 *       "labels": {
                 *         "team": "payments"
                 *       },
                 *       "note": "for the shop in Berlin, ticket 4711",
                 *       "url": "https://grants.example.com:9090/22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "signedTokens": 1,
                 *       "signedTokensRevoked": 0,
                 *       "attempts": [
                 *         {
                 *           "at": "2031-03-04T05:07:00Z",
                 *           "outcome": "redeemed",
                 *           "name": "to-west",
                 *           "subject": "east",
                 *           "peer": "192.0.2.7",
                 *           "count": 1,
                 *           "redemptionId": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["GrantDetail"];
            };
        };
        /** @description The grant as it is now */
        AdminChangedGrant: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "name": "to-west",
                 *       "namespace": "default",
                 *       "uid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "state": "ready",
                 *       "redemptions": 0,
                 *       "redemptionsAllowed": 5,
                 *       "expirationWindow": "15m",
                 *       "expirationTime": "2031-03-04T05:21:07Z",
                 *       "createdAt": "2031-03-04T05:06:07Z",
                 *       "labels": {
                 *         "team": "shop"
                 *       },
                 *       "note": "for the shop in Berlin, ticket 4711"
                 *     }
                 */
                "application/json": components["schemas"]["Grant"];
            };
        };
        /** @description The grant was deleted */
        AdminDeleted: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description Result of the revocation */
        AdminRevokedGrant: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "uid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "name": "to-west",
                 *       "outcome": "revoked",
                 *       "links": 1,
                 *       "lastEnd": "2031-04-03T05:07:00Z"
                 *     }
                 */
                "application/json": components["schemas"]["RevokedGrant"];
            };
        };
        /** @description A page of signed tokens */
        AdminTokens: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "id": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *           "grant": "to-west",
                 *           "namespace": "default",
                 *           "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *           "state": "ready",
                 *           "redemptions": 0,
                 *           "redemptionsAllowed": 1,
                 *           "expirationTime": "2031-03-04T05:21:07Z",
                 *           "subject": "east",
                 *           "issuedAt": "2031-03-04T05:06:30Z"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["TokenPage"];
            };
        };
        /** @description The token, and what it allows */
        AdminIssuedToken: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "id": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *       "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "redemptionsAllowed": 1,
                 *       "expirationTime": "2031-03-04T05:21:07Z",
                 *       "subject": "east",
                 *       "endpoints": [
                 *         {
                 *           "name": "inter-router",
                 *           "host": "router.example.com",
                 *           "port": "55671",
                 *           "group": "skupper-router"
                 *         }
                 *       ],
                 *       "redemptionsLeft": 1,
                 *       "token": {
                 *         "apiVersion": "skupper.io/v2alpha1",
                 *         "kind": "AccessToken",
                 *         "metadata": {
                 *           "annotations": {
                 *             "linkgrant.dev/expiration-time": "2031-03-04T05:21:07.000Z",
                 *             "linkgrant.dev/redemptions-allowed": "1"
                 *           },
                 *           "name": "to-west"
                 *         },
                 *         "spec": {
                 *           "ca": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
                 *           "code": "…the code, this once…",
                 *           "url": "https://grants.example.com:9090/22c7dcf1-ef57-454f-98ff-fa5a79792832"
                 *         }
                 *       },
                 *       "joinLine": "lgj1_1zJ7theTokenInOneWord"
                 *     }
                 */
                "application/json": components["schemas"]["IssuedToken"];
            };
        };
        /** @description Result of the revocation */
        AdminRevokedToken: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "id": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *       "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "outcome": "revoked",
                 *       "known": true,
                 *       "links": [
                 *         {
                 *           "id": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *           "name": "to-west",
                 *           "subject": "east"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["RevokedToken"];
            };
        };
        /** @description A page of redemptions */
        AdminRedemptions: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "id": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *           "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *           "createdAt": "2031-03-04T05:07:00Z",
                 *           "mode": "csr",
                 *           "name": "to-west",
                 *           "subject": "east",
                 *           "peer": "192.0.2.7",
                 *           "jti": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *           "serial": "5f1c0a9e",
                 *           "keySha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 *           "certificateSha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 *           "issuerSha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                 *           "notAfter": "2031-04-03T05:07:00Z",
                 *           "canStill": "connect, renew",
                 *           "remaining": "connect until 2031-04-03T05:07:00Z, and be renewed until 2031-04-10T05:07:00Z",
                 *           "labels": {
                 *             "region": "eu"
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["RedemptionPage"];
            };
        };
        /** @description The redemption, with its certificates and its ledger */
        AdminRedemption: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "id": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *       "grant": "to-west",
                 *       "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "createdAt": "2031-03-04T05:07:00Z",
                 *       "mode": "csr",
                 *       "name": "to-west",
                 *       "subject": "east",
                 *       "peer": "192.0.2.7",
                 *       "jti": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *       "serial": "5f1c0a9e",
                 *       "keySha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 *       "certificateSha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 *       "issuerSha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                 *       "notAfter": "2031-04-03T05:07:00Z",
                 *       "canStill": "connect, renew",
                 *       "remaining": "connect until 2031-04-03T05:07:00Z, and be renewed until 2031-04-10T05:07:00Z",
                 *       "labels": {
                 *         "region": "eu"
                 *       },
                 *       "certificate": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
                 *       "ledger": [
                 *         {
                 *           "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *           "seq": 1,
                 *           "time": "2031-03-04T05:07:00Z",
                 *           "kind": "redeemed",
                 *           "redemptionId": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *           "jti": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *           "name": "to-west",
                 *           "subject": "east",
                 *           "peer": "192.0.2.7",
                 *           "serial": "5f1c0a9e",
                 *           "keySha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 *           "certificateSha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 *           "notAfter": "2031-04-03T05:07:00Z"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["RedemptionDetail"];
            };
        };
        /** @description The redemption as it is now */
        AdminChangedRedemption: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "id": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *       "grant": "to-west",
                 *       "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "createdAt": "2031-03-04T05:07:00Z",
                 *       "mode": "csr",
                 *       "name": "to-west",
                 *       "subject": "east",
                 *       "peer": "192.0.2.7",
                 *       "jti": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *       "serial": "5f1c0a9e",
                 *       "keySha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 *       "certificateSha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 *       "issuerSha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                 *       "notAfter": "2031-04-03T05:07:00Z",
                 *       "canStill": "connect, renew",
                 *       "remaining": "connect until 2031-04-03T05:07:00Z, and be renewed until 2031-04-10T05:07:00Z",
                 *       "labels": {
                 *         "region": "eu"
                 *       },
                 *       "note": "router of the shop in Berlin"
                 *     }
                 */
                "application/json": components["schemas"]["Redemption"];
            };
        };
        /** @description Result of the revocation */
        AdminRevokedRedemption: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "outcome": "revoked",
                 *       "redemption": {
                 *         "id": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *         "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *         "createdAt": "2031-03-04T05:07:00Z",
                 *         "mode": "csr",
                 *         "name": "to-west",
                 *         "subject": "east",
                 *         "peer": "192.0.2.7",
                 *         "jti": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *         "serial": "5f1c0a9e",
                 *         "keySha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 *         "certificateSha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 *         "issuerSha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                 *         "notAfter": "2031-04-03T05:07:00Z",
                 *         "canStill": "connect",
                 *         "remaining": "connect until 2031-04-03T05:07:00Z, because skupper-router reads no CRL, and stay connected after that until the connection closes; it cannot be renewed, and its redemption cannot be repeated",
                 *         "labels": {
                 *           "region": "eu"
                 *         },
                 *         "revokedAt": "2031-03-04T05:10:00Z"
                 *       },
                 *       "source": {
                 *         "grant": "to-west",
                 *         "tokenId": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *         "redemptionsLeft": 1,
                 *         "expirationTime": "2031-03-04T05:21:07Z",
                 *         "choice": "with-token"
                 *       },
                 *       "related": []
                 *     }
                 */
                "application/json": components["schemas"]["RevokedRedemption"];
            };
        };
        /** @description Figures about the whole store */
        AdminOverview: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "time": "2031-03-29T05:06:07Z",
                 *       "grants": {
                 *         "pending": 0,
                 *         "ready": 3,
                 *         "ended": 1
                 *       },
                 *       "openTokens": 2,
                 *       "links": {
                 *         "known": 12,
                 *         "connected": 10,
                 *         "expiringSoon": 1,
                 *         "notRenewing": 1,
                 *         "expired": 0,
                 *         "revoked": 1
                 *       },
                 *       "refusals": [
                 *         {
                 *           "code": "grant_expired",
                 *           "count": 3,
                 *           "last": "2031-03-29T04:55:00Z"
                 *         }
                 *       ],
                 *       "health": {
                 *         "ready": true,
                 *         "findings": [
                 *           {
                 *             "check": "store",
                 *             "status": "ok",
                 *             "message": "ready"
                 *           }
                 *         ]
                 *       },
                 *       "attention": [
                 *         {
                 *           "kind": "link-expiring",
                 *           "message": "the link \"to-west\" of \"east\" expires at 2031-04-03T05:07:00Z, and was not renewed",
                 *           "nextStep": "linkgrant redemption show 6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *           "resource": {
                 *             "kind": "link",
                 *             "id": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11"
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["Overview"];
            };
        };
        /** @description The results of all checks */
        AdminHealth: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "ready": true,
                 *       "findings": [
                 *         {
                 *           "check": "store writable",
                 *           "status": "ok",
                 *           "message": "it accepts writes"
                 *         },
                 *         {
                 *           "check": "CA site",
                 *           "status": "warning",
                 *           "message": "CN=linkgrant site CA expires at 2031-04-03T05:07:00Z: a third of its lifetime or less is left",
                 *           "remedy": "rotate it before it expires; start with `linkgrant issuer prepare site`"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["Health"];
            };
        };
        /** @description A page of links */
        AdminLinks: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "id": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *           "grant": "to-west",
                 *           "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *           "namespace": "default",
                 *           "mode": "csr",
                 *           "name": "to-west",
                 *           "subject": "east",
                 *           "peer": "192.0.2.7",
                 *           "jti": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *           "since": "2031-03-04T05:07:00Z",
                 *           "notAfter": "2031-04-03T05:07:00Z",
                 *           "issuerSha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                 *           "renewals": 0,
                 *           "lastContact": "2031-03-04T05:07:00Z",
                 *           "state": "valid",
                 *           "notRenewing": false,
                 *           "connected": null,
                 *           "labels": {
                 *             "region": "eu"
                 *           }
                 *         }
                 *       ],
                 *       "next": "WzE3XQ"
                 *     }
                 */
                "application/json": components["schemas"]["LinkPage"];
            };
        };
        /** @description A page of issuers */
        AdminIssuers: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "name": "linkgrant-server-ca",
                 *           "owner": "linkgrant",
                 *           "signs": "service",
                 *           "default": false,
                 *           "grants": 0,
                 *           "authorities": [
                 *             {
                 *               "role": "active",
                 *               "state": "valid",
                 *               "subject": "linkgrant server CA",
                 *               "sha256": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
                 *               "notBefore": "2030-03-04T05:02:00Z",
                 *               "notAfter": "2040-03-01T05:07:00Z",
                 *               "links": null
                 *             }
                 *           ]
                 *         },
                 *         {
                 *           "name": "skupper-site-ca",
                 *           "owner": "linkgrant",
                 *           "signs": "links",
                 *           "default": true,
                 *           "grants": 3,
                 *           "authorities": [
                 *             {
                 *               "role": "active",
                 *               "state": "valid",
                 *               "subject": "linkgrant site CA 2",
                 *               "sha256": "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
                 *               "notBefore": "2031-03-04T05:02:00Z",
                 *               "notAfter": "2041-03-01T05:07:00Z",
                 *               "links": 12
                 *             },
                 *             {
                 *               "role": "retiring",
                 *               "state": "valid",
                 *               "subject": "linkgrant site CA",
                 *               "sha256": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
                 *               "notBefore": "2030-03-04T05:02:00Z",
                 *               "notAfter": "2040-03-01T05:07:00Z",
                 *               "replacedAt": "2031-03-05T09:00:00Z",
                 *               "links": 1
                 *             }
                 *           ]
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["IssuerPage"];
            };
        };
        /** @description What changed, or a stream of events */
        AdminChanges: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "version": "1200.0.3.7",
                 *       "changed": [
                 *         "links",
                 *         "ledger"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["Changes"];
                /**
                 * @example event: hello
                 *     data: {"version":"1200.0.3.7"}
                 *
                 *     event: changed
                 *     data: {"resource":"links","version":"1201.0.3"}
                 *
                 *     event: heartbeat
                 *     data: {}
                 */
                "text/event-stream": string;
            };
        };
        /** @description The verification was started */
        AdminStartedVerification: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                location: components["headers"]["Location"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "id": "0b2f3c0e-5a44-4f55-9a43-0d6a5fbe7a01",
                 *       "state": "running",
                 *       "checked": 0,
                 *       "total": 5000
                 *     }
                 */
                "application/json": components["schemas"]["LedgerVerification"];
            };
        };
        /** @description A verification of the ledger */
        AdminVerification: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "id": "0b2f3c0e-5a44-4f55-9a43-0d6a5fbe7a01",
                 *       "state": "done",
                 *       "checked": 5000,
                 *       "total": 5000,
                 *       "result": {
                 *         "ok": true,
                 *         "problems": []
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["LedgerVerification"];
            };
        };
        /** @description A page of the ledger */
        AdminEvents: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *           "seq": 1,
                 *           "time": "2031-03-04T05:07:00Z",
                 *           "kind": "redeemed",
                 *           "redemptionId": "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11",
                 *           "jti": "4f2c7d1b9a0e4c8d7b6a5f43",
                 *           "name": "to-west",
                 *           "subject": "east",
                 *           "peer": "192.0.2.7",
                 *           "serial": "5f1c0a9e",
                 *           "keySha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 *           "certificateSha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 *           "notAfter": "2031-04-03T05:07:00Z"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["EventPage"];
            };
        };
        /** @description A problem: request_invalid */
        AdminInvalid: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 400,
                 *       "title": "Request not valid",
                 *       "code": "request_invalid",
                 *       "detail": "query.limit: must be a whole number"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: bearer_missing, bearer_invalid, bearer_expired */
        AdminUnauthorized: {
            headers: {
                "www-authenticate": components["headers"]["Challenge"];
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 401,
                 *       "title": "Bearer token expired",
                 *       "code": "bearer_expired",
                 *       "detail": "the bearer token has expired"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: role_insufficient, origin_refused */
        AdminForbidden: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 403,
                 *       "title": "Role not sufficient",
                 *       "code": "role_insufficient",
                 *       "detail": "this request requires the role operator; the caller has the role viewer"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: no_such_route, no_such_grant, no_such_redemption, no_such_verification */
        AdminNotFound: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 404,
                 *       "title": "No such grant",
                 *       "code": "no_such_grant",
                 *       "detail": "there is no grant 22c7dcf1-ef57-454f-98ff-fa5a79792832"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: method_not_allowed */
        AdminMethodNotAllowed: {
            headers: {
                allow: components["headers"]["AllowedMethods"];
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 405,
                 *       "title": "Method not allowed",
                 *       "code": "method_not_allowed",
                 *       "detail": "this route supports GET, POST"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: name_taken, grant_declared, grant_state, source_redeemable, outcome_gone, no_link_access */
        AdminConflict: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 409,
                 *       "title": "Source of the redemption is still redeemable",
                 *       "code": "source_redeemable",
                 *       "detail": "grant \"to-west\" can be redeemed once more, until 2031-03-04T05:21:07Z, and the site of the link can do so",
                 *       "choices": [
                 *         "with-grant",
                 *         "keep-token"
                 *       ]
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: request_timeout */
        AdminTimeout: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 408,
                 *       "title": "Request did not arrive in time",
                 *       "code": "request_timeout",
                 *       "detail": "the body did not arrive in time"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: request_too_large */
        AdminTooLarge: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 413,
                 *       "title": "Request body too large",
                 *       "code": "request_too_large",
                 *       "detail": "the body is longer than 64 KiB"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: media_type_unsupported */
        AdminMediaType: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 415,
                 *       "title": "Request body is not JSON",
                 *       "code": "media_type_unsupported",
                 *       "detail": "the body must be application/json"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: value_rejected, idempotency_key_reused */
        AdminRejected: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 422,
                 *       "title": "Value not valid",
                 *       "code": "value_rejected",
                 *       "detail": "the grant was not created: redemptions allowed must be a whole number from 1 to 1000000"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: internal */
        AdminInternal: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 500,
                 *       "title": "Internal error",
                 *       "code": "internal",
                 *       "detail": "unexpected error; the log of the service has the cause"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /** @description A problem: identity_unavailable, service_unknown, signing_keys_foreign, too_many_streams, store_unavailable */
        AdminUnavailable: {
            headers: {
                "retry-after": components["headers"]["RetryAfter"];
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "type": "about:blank",
                 *       "status": 503,
                 *       "title": "Bearer tokens cannot be verified now",
                 *       "code": "identity_unavailable",
                 *       "detail": "the keys of https://id.example.com cannot be fetched now"
                 *     }
                 */
                "application/problem+json": components["schemas"]["AdminProblem"];
            };
        };
        /**
         * @description A YAML stream: one `v1/Secret` of type `kubernetes.io/tls`, then a `skupper.io/v2alpha1` Link for each endpoint group,
         *     sorted by group. The annotations of the Secret have the redemption id, and the URL and CA for renewals.
         */
        Redeemed: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                /**
                 * @example ---
                 *     apiVersion: "v1"
                 *     data:
                 *       ca.crt: "LS0tLS1CRUdJTi…"
                 *       tls.crt: "LS0tLS1CRUdJTi…"
                 *     kind: "Secret"
                 *     metadata:
                 *       annotations:
                 *         linkgrant.dev/redemption-id: "6f0f9b7e-6d3c-4f0e-9f0e-0a7d7a3d0c11"
                 *         linkgrant.dev/renewal-url: "https://grants.example.com:9090/-/renew"
                 *         linkgrant.dev/server-ca: "-----BEGIN CERTIFICATE-----\n…"
                 *       name: "east"
                 *     type: "kubernetes.io/tls"
                 *     ---
                 *     apiVersion: "skupper.io/v2alpha1"
                 *     kind: "Link"
                 *     metadata:
                 *       name: "east"
                 *     spec:
                 *       endpoints:
                 *         - group: "skupper-router"
                 *           host: "router.example.com"
                 *           name: "inter-router"
                 *           port: "55671"
                 *       tlsCredentials: "east"
                 */
                "application/yaml": string;
            };
        };
        /** @description The state of the grant */
        Checked: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Check"];
            };
        };
        /** @description `Request body not valid`: name_invalid, subject_invalid, body_invalid, csr_invalid, key_weak */
        BadRequest: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                "linkgrant-reason": components["headers"]["Reason"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `Redemption of access token refused`: code_wrong; if the client proved the code, every policy refusal */
        Refused: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                "linkgrant-reason": components["headers"]["Reason"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `Request body not valid`: renewal_invalid, body_invalid; if the client proved the key, csr_invalid, key_weak */
        BadRenewal: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                "linkgrant-reason": components["headers"]["Reason"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description `Renewal of link certificate refused`: renewal_refused; if the client proved the key, redemption_revoked,
         *     renewal_expired, site_replaced. `Renewal request out of date`: renewal_stale, with the service's time in the problem.
         *     `Redemption of access token refused`: every policy refusal, of the grant's rules now and at the redemption.
         */
        RenewalRefused: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                "linkgrant-reason": components["headers"]["Reason"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `Certificate superseded`: superseded */
        Superseded: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                "linkgrant-reason": components["headers"]["Reason"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description `No such claim`: grant_unknown; if the client proved the code, grant_expired, grant_revoked, code_expired, code_revoked,
         *     redemption_revoked. `No such access granted`, if the client proved the code: grant_exhausted, code_exhausted
         */
        NoSuchClaim: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                "linkgrant-reason": components["headers"]["Reason"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `Only POST is supported`: method_not_allowed */
        MethodNotAllowed: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                allow: components["headers"]["Allow"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `Request body not valid`: body_timeout */
        BodyTimeout: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `Request body not valid`: body_too_large */
        BodyTooLarge: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `Internal error`: internal */
        InternalError: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description Try again later. No use was counted, except perhaps with store_unavailable: link_access_unavailable, edge_site, issuer_unavailable, issuer_untrusted,
         *     not_yet_valid, repeated_redemption, overloaded, store_unavailable
         */
        Unavailable: {
            headers: {
                "linkgrant-request-id": components["headers"]["RequestId"];
                "retry-after": components["headers"]["RetryAfter"];
                "linkgrant-reason": components["headers"]["Reason"];
                [name: string]: unknown;
            };
            content: {
                "text/plain": string;
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description Identity of the AccessGrant */
        GrantUid: string;
        /** @description Namespace of the AccessGrant (RFC 1123 label) */
        Namespace: string;
        /** @description Name of the AccessGrant (RFC 1123 subdomain) */
        GrantName: string;
        /** @description Requested name of the Link and its Secret (RFC 1123 subdomain); empty or absent means the grant's name */
        Name: string;
        /** @description Requested subject, 1 to 253 printable characters in UTF-8; empty or absent means the subject of the signed code, otherwise the name of the Link */
        Subject: string;
        /**
         * @description Base64 of a DER PKCS#10 request (RFC 2986) of at most 4 KiB, for a P-256, P-384 or RSA 2048 to 4096 key, or an
         *     Ed25519 key if the grant permits it. With it the private key stays on the requesting site and the Secret has no `tls.key`. Only the public key of the request is used.
         */
        Csr: string;
        /** @description `true` from a client that will renew: the certificate then lasts 30 days instead of 1825 */
        Renews: "true";
        /** @description How many items a page holds at most */
        Limit: number;
        /** @description The `next` of an earlier page of the same listing */
        Cursor: string;
        /** @description Only items of this namespace */
        NamespaceFilter: string;
        /** @description Only items with this name */
        NameFilter: string;
        /** @description Only items in this state */
        StateFilter: components["schemas"]["GrantState"];
        /** @description Only items of this grant */
        GrantFilter: string;
        /** @description Only items whose subject matches this pattern, with `*` and `?` */
        SubjectFilter: string;
        /** @description Only items that are not older than this time */
        SinceFilter: string;
        /**
         * @description Only items whose labels meet these conditions: `a=b`, `a!=b`, `a` or `!a`, separated by commas, all of which must apply
         * @example team=payments,!pilot
         */
        LabelFilter: string;
        /** @description Identity of the grant */
        Uid: string;
        /** @description Id of the signed token */
        TokenId: string;
        /** @description Id of the redemption */
        RedemptionId: string;
        /** @description Links in this state */
        LinkStateFilter: components["schemas"]["LinkState"];
        /** @description Links that are overdue for renewal, or the others */
        NotRenewingFilter: "true" | "false";
        /** @description Links that depend on the CA with this SHA-256: they are not revoked, and their newest certificate is valid and signed by it. `links` of an issuer's CA is their number */
        SignerFilter: string;
        /** @description The `version` of an earlier answer; not used by a stream */
        VersionSince: string;
        /** @description Id of the verification */
        VerificationId: string;
        /**
         * @description Makes the creation happen once: the same request with the same key, of the same caller, gets the same answer for 24 hours,
         *     also after a crash and from another process. Another request with that key is refused.
         * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
         */
        IdempotencyKey: string;
    };
    requestBodies: {
        /** @description The grant to create */
        CreateGrantRequest: {
            content: {
                /**
                 * @example {
                 *       "name": "to-west",
                 *       "redemptionsAllowed": 1,
                 *       "expirationWindow": "15m",
                 *       "policy": {
                 *         "linkgrant/subjects": "east,east-*"
                 *       },
                 *       "labels": {
                 *         "team": "payments"
                 *       },
                 *       "note": "for the shop in Berlin, ticket 4711"
                 *     }
                 */
                "application/json": components["schemas"]["CreateGrantRequest"];
            };
        };
        /** @description The changes to the grant */
        GrantChange: {
            content: {
                /**
                 * @example {
                 *       "redemptionsAllowed": 5,
                 *       "policy": {
                 *         "linkgrant/subjects": null
                 *       },
                 *       "labels": {
                 *         "team": "shop",
                 *         "pilot": null
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["GrantChange"];
            };
        };
        /** @description Whether the links of the grant are revoked too */
        GrantRevocation: {
            content: {
                /**
                 * @example {
                 *       "cascade": true
                 *     }
                 */
                "application/json": components["schemas"]["GrantRevocation"];
            };
        };
        /** @description The token to issue */
        IssueTokenRequest: {
            content: {
                /**
                 * @example {
                 *       "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832",
                 *       "subject": "east",
                 *       "expirationWindow": "1h"
                 *     }
                 */
                "application/json": components["schemas"]["IssueTokenRequest"];
            };
        };
        /** @description The grant of the token */
        TokenRevocation: {
            content: {
                /**
                 * @example {
                 *       "grantUid": "22c7dcf1-ef57-454f-98ff-fa5a79792832"
                 *     }
                 */
                "application/json": components["schemas"]["TokenRevocation"];
            };
        };
        /** @description The changes to the redemption */
        RedemptionChange: {
            content: {
                /**
                 * @example {
                 *       "labels": {
                 *         "region": "eu"
                 *       },
                 *       "note": "router of the shop in Berlin"
                 *     }
                 */
                "application/json": components["schemas"]["RedemptionChange"];
            };
        };
        /** @description What to do with the token or grant of the link */
        RedemptionRevocation: {
            content: {
                /**
                 * @example {
                 *       "source": "with-grant"
                 *     }
                 */
                "application/json": components["schemas"]["RedemptionRevocation"];
            };
        };
        /** @description The code byte for byte, at most 4096 bytes; exactly one trailing newline is removed */
        Code: {
            content: {
                "text/plain": string;
            };
        };
        /**
         * @description A compact JWS (RFC 7515) of at most 16 KiB. Its header is `alg` (the one of the certificate's key: ES256 for P-256, ES384
         *     for P-384, RS256 or PS256 for RSA, EdDSA for Ed25519), `typ` `linkgrant-renewal+jwt`, and `x5t#S256`, the base64url of the
         *     SHA-256 over the DER of the link's certificate. Its claims are `csr` (standard base64 of a DER PKCS#10 request for the new
         *     key), `iat` (seconds since the epoch, within 5 minutes) and `aud` (`urn:uuid:` and the redemption id). Exactly one trailing
         *     newline is removed.
         */
        Renewal: {
            content: {
                "application/jose": string;
            };
        };
    };
    headers: {
        /** @description The `requestId` of this response in the service's log; a value that a client sends is ignored */
        RequestId: string;
        /** @description Path of the created resource */
        Location: string;
        /** @description How to authenticate (RFC 6750), and with `--login-client` the URL of the metadata (RFC 9728) */
        Challenge: string;
        /** @description The methods that are allowed */
        AllowedMethods: string;
        /** @description Stable code of the refusal; only if the client proved the code of the token or the key of the link */
        Reason: components["schemas"]["RefusalCode"];
        /** @description Seconds after which the same request may succeed */
        RetryAfter: number;
        /** @description The method that is allowed */
        Allow: "POST";
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    redeem: {
        parameters: {
            query?: never;
            header?: {
                /** @description Requested name of the Link and its Secret (RFC 1123 subdomain); empty or absent means the grant's name */
                name?: components["parameters"]["Name"];
                /** @description Requested subject, 1 to 253 printable characters in UTF-8; empty or absent means the subject of the signed code, otherwise the name of the Link */
                subject?: components["parameters"]["Subject"];
                /**
                 * @description Base64 of a DER PKCS#10 request (RFC 2986) of at most 4 KiB, for a P-256, P-384 or RSA 2048 to 4096 key, or an
                 *     Ed25519 key if the grant permits it. With it the private key stays on the requesting site and the Secret has no `tls.key`. Only the public key of the request is used.
                 */
                csr?: components["parameters"]["Csr"];
                /** @description `true` from a client that will renew: the certificate then lasts 30 days instead of 1825 */
                renews?: components["parameters"]["Renews"];
            };
            path: {
                /** @description Identity of the AccessGrant */
                grantUid: components["parameters"]["GrantUid"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Code"];
        responses: {
            200: components["responses"]["Redeemed"];
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Refused"];
            404: components["responses"]["NoSuchClaim"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    check: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the AccessGrant */
                grantUid: components["parameters"]["GrantUid"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Code"];
        responses: {
            200: components["responses"]["Checked"];
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Refused"];
            404: components["responses"]["NoSuchClaim"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    redeemByKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Requested name of the Link and its Secret (RFC 1123 subdomain); empty or absent means the grant's name */
                name?: components["parameters"]["Name"];
                /** @description Requested subject, 1 to 253 printable characters in UTF-8; empty or absent means the subject of the signed code, otherwise the name of the Link */
                subject?: components["parameters"]["Subject"];
                /**
                 * @description Base64 of a DER PKCS#10 request (RFC 2986) of at most 4 KiB, for a P-256, P-384 or RSA 2048 to 4096 key, or an
                 *     Ed25519 key if the grant permits it. With it the private key stays on the requesting site and the Secret has no `tls.key`. Only the public key of the request is used.
                 */
                csr?: components["parameters"]["Csr"];
                /** @description `true` from a client that will renew: the certificate then lasts 30 days instead of 1825 */
                renews?: components["parameters"]["Renews"];
            };
            path: {
                /** @description Namespace of the AccessGrant (RFC 1123 label) */
                namespace: components["parameters"]["Namespace"];
                /** @description Name of the AccessGrant (RFC 1123 subdomain) */
                grantName: components["parameters"]["GrantName"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Code"];
        responses: {
            200: components["responses"]["Redeemed"];
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Refused"];
            404: components["responses"]["NoSuchClaim"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    checkByKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Namespace of the AccessGrant (RFC 1123 label) */
                namespace: components["parameters"]["Namespace"];
                /** @description Name of the AccessGrant (RFC 1123 subdomain) */
                grantName: components["parameters"]["GrantName"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Code"];
        responses: {
            200: components["responses"]["Checked"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NoSuchClaim"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    renew: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Renewal"];
        responses: {
            200: components["responses"]["Redeemed"];
            400: components["responses"]["BadRenewal"];
            403: components["responses"]["RenewalRefused"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["BodyTimeout"];
            409: components["responses"]["Superseded"];
            413: components["responses"]["BodyTooLarge"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    describeLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminLogin"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
        };
    };
    describeService: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminService"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    listGrants: {
        parameters: {
            query?: {
                /** @description How many items a page holds at most */
                limit?: components["parameters"]["Limit"];
                /** @description The `next` of an earlier page of the same listing */
                cursor?: components["parameters"]["Cursor"];
                /** @description Only items of this namespace */
                namespace?: components["parameters"]["NamespaceFilter"];
                /** @description Only items with this name */
                name?: components["parameters"]["NameFilter"];
                /** @description Only items in this state */
                state?: components["parameters"]["StateFilter"];
                /**
                 * @description Only items whose labels meet these conditions: `a=b`, `a!=b`, `a` or `!a`, separated by commas, all of which must apply
                 * @example team=payments,!pilot
                 */
                label?: components["parameters"]["LabelFilter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminGrants"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    createGrant: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Makes the creation happen once: the same request with the same key, of the same caller, gets the same answer for 24 hours,
                 *     also after a crash and from another process. Another request with that key is refused.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["CreateGrantRequest"];
        responses: {
            201: components["responses"]["AdminCreatedGrant"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            409: components["responses"]["AdminConflict"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            422: components["responses"]["AdminRejected"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    showGrant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the grant */
                uid: components["parameters"]["Uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminGrant"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    deleteGrant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the grant */
                uid: components["parameters"]["Uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["AdminDeleted"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            409: components["responses"]["AdminConflict"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    updateGrant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the grant */
                uid: components["parameters"]["Uid"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["GrantChange"];
        responses: {
            200: components["responses"]["AdminChangedGrant"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            409: components["responses"]["AdminConflict"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            422: components["responses"]["AdminRejected"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    revokeGrant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Identity of the grant */
                uid: components["parameters"]["Uid"];
            };
            cookie?: never;
        };
        requestBody?: components["requestBodies"]["GrantRevocation"];
        responses: {
            200: components["responses"]["AdminRevokedGrant"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /** @description How many items a page holds at most */
                limit?: components["parameters"]["Limit"];
                /** @description The `next` of an earlier page of the same listing */
                cursor?: components["parameters"]["Cursor"];
                /** @description Only items of this namespace */
                namespace?: components["parameters"]["NamespaceFilter"];
                /** @description Only items of this grant */
                grantUid?: components["parameters"]["GrantFilter"];
                /** @description Only items in this state */
                state?: components["parameters"]["StateFilter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminTokens"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    issueToken: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Makes the creation happen once: the same request with the same key, of the same caller, gets the same answer for 24 hours,
                 *     also after a crash and from another process. Another request with that key is refused.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["IssueTokenRequest"];
        responses: {
            201: components["responses"]["AdminIssuedToken"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            409: components["responses"]["AdminConflict"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            422: components["responses"]["AdminRejected"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the signed token */
                id: components["parameters"]["TokenId"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["TokenRevocation"];
        responses: {
            200: components["responses"]["AdminRevokedToken"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            422: components["responses"]["AdminRejected"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    listRedemptions: {
        parameters: {
            query?: {
                /** @description How many items a page holds at most */
                limit?: components["parameters"]["Limit"];
                /** @description The `next` of an earlier page of the same listing */
                cursor?: components["parameters"]["Cursor"];
                /** @description Only items of this namespace */
                namespace?: components["parameters"]["NamespaceFilter"];
                /** @description Only items of this grant */
                grantUid?: components["parameters"]["GrantFilter"];
                /** @description Only items whose subject matches this pattern, with `*` and `?` */
                subject?: components["parameters"]["SubjectFilter"];
                /** @description Only items that are not older than this time */
                since?: components["parameters"]["SinceFilter"];
                /**
                 * @description Only items whose labels meet these conditions: `a=b`, `a!=b`, `a` or `!a`, separated by commas, all of which must apply
                 * @example team=payments,!pilot
                 */
                label?: components["parameters"]["LabelFilter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminRedemptions"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    showRedemption: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the redemption */
                id: components["parameters"]["RedemptionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminRedemption"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    updateRedemption: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the redemption */
                id: components["parameters"]["RedemptionId"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["RedemptionChange"];
        responses: {
            200: components["responses"]["AdminChangedRedemption"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            422: components["responses"]["AdminRejected"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    revokeRedemption: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the redemption */
                id: components["parameters"]["RedemptionId"];
            };
            cookie?: never;
        };
        requestBody?: components["requestBodies"]["RedemptionRevocation"];
        responses: {
            200: components["responses"]["AdminRevokedRedemption"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            409: components["responses"]["AdminConflict"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            422: components["responses"]["AdminRejected"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    readOverview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminOverview"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    checkHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminHealth"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    listLinks: {
        parameters: {
            query?: {
                /** @description How many items a page holds at most */
                limit?: components["parameters"]["Limit"];
                /** @description The `next` of an earlier page of the same listing */
                cursor?: components["parameters"]["Cursor"];
                /** @description Only items of this namespace */
                namespace?: components["parameters"]["NamespaceFilter"];
                /** @description Only items of this grant */
                grantUid?: components["parameters"]["GrantFilter"];
                /** @description Only items whose subject matches this pattern, with `*` and `?` */
                subject?: components["parameters"]["SubjectFilter"];
                /** @description Links in this state */
                state?: components["parameters"]["LinkStateFilter"];
                /** @description Links that are overdue for renewal, or the others */
                notRenewing?: components["parameters"]["NotRenewingFilter"];
                /** @description Links that depend on the CA with this SHA-256: they are not revoked, and their newest certificate is valid and signed by it. `links` of an issuer's CA is their number */
                signedBy?: components["parameters"]["SignerFilter"];
                /**
                 * @description Only items whose labels meet these conditions: `a=b`, `a!=b`, `a` or `!a`, separated by commas, all of which must apply
                 * @example team=payments,!pilot
                 */
                label?: components["parameters"]["LabelFilter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminLinks"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    listIssuers: {
        parameters: {
            query?: {
                /** @description How many items a page holds at most */
                limit?: components["parameters"]["Limit"];
                /** @description The `next` of an earlier page of the same listing */
                cursor?: components["parameters"]["Cursor"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminIssuers"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    readChanges: {
        parameters: {
            query?: {
                /** @description The `version` of an earlier answer; not used by a stream */
                since?: components["parameters"]["VersionSince"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminChanges"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    startLedgerVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: components["responses"]["AdminStartedVerification"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            408: components["responses"]["AdminTimeout"];
            413: components["responses"]["AdminTooLarge"];
            415: components["responses"]["AdminMediaType"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    showLedgerVerification: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the verification */
                id: components["parameters"]["VerificationId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminVerification"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            404: components["responses"]["AdminNotFound"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
    listEvents: {
        parameters: {
            query?: {
                /** @description How many items a page holds at most */
                limit?: components["parameters"]["Limit"];
                /** @description The `next` of an earlier page of the same listing */
                cursor?: components["parameters"]["Cursor"];
                /** @description Only items of this grant */
                grantUid?: components["parameters"]["GrantFilter"];
                /** @description Only items whose subject matches this pattern, with `*` and `?` */
                subject?: components["parameters"]["SubjectFilter"];
                /** @description Only items that are not older than this time */
                since?: components["parameters"]["SinceFilter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["AdminEvents"];
            400: components["responses"]["AdminInvalid"];
            401: components["responses"]["AdminUnauthorized"];
            403: components["responses"]["AdminForbidden"];
            405: components["responses"]["AdminMethodNotAllowed"];
            500: components["responses"]["AdminInternal"];
            503: components["responses"]["AdminUnavailable"];
        };
    };
}
