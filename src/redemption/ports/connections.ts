/** A site that is connected to an accepting site now, as Skupper reports it. */
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
  /** Undefined if nothing was observed lately. */
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
  /** The last observation, at once. Starts another one in the background if that is old. */
  latest(): ObservedConnections;
  /** Waits for a running observation first, for a limited time; for a command, which runs once. Never rejects. */
  observe(): Promise<ObservedConnections>;
}
