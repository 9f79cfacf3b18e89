/** A site that is connected to an accepting site, as Skupper reports it. */
export interface ConnectedPeer {
  readonly siteId: string;
  readonly siteName: string;
  /** Name of the link at the peer. */
  readonly linkName: string;
  /** Uid of the accepting site. */
  readonly acceptingSite: string;
}

/** The last observation of connections. */
export interface ObservedConnections {
  /** Undefined if they are not known, because no recent observation succeeded. */
  readonly peers: readonly ConnectedPeer[] | undefined;
  /** When the peers were observed, milliseconds since the epoch. */
  readonly observedAt?: number;
  /** Why the last observation failed, as a sentence without its full stop. */
  readonly problem?: string;
  /** Differs from that of an earlier observation if something changed. */
  readonly version: string;
}

/** Observes which sites are connected. */
export interface ConnectionObserver {
  /** Returns the last observation without waiting. Starts a new one in the background if the last one is old. */
  latest(): ObservedConnections;
  /** As `latest`, but waits until a running observation ends or its time limit passes. Never rejects. */
  observe(): Promise<ObservedConnections>;
}
