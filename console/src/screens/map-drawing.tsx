import { visible } from '../components/text.js';
import { href } from '../state/location.js';
import './map-drawing.css';

/** The marks of peers, with their meaning. */
export const LOOKS = {
  connected: 'connected',
  valid: 'valid certificate, not known to be connected',
  expiring: 'certificate expires soon or has expired',
  revoked: 'revoked',
  unknown: 'connected without a record here',
};

/** A name of {@link LOOKS}. */
export type Look = keyof typeof LOOKS;

/** A site on the map. */
export interface Peer {
  readonly key: string;
  readonly name: string;
  readonly look: Look;
  /** Id of its link; absent for a peer without a redemption. */
  readonly linkId?: string;
}

const CENTRE = 500;
const FIRST_RING = 150;
const RING_GAP = 54;
// Distance between neighbours on a ring.
const PEER_GAP = 40;
const MAX_NAMES = 24;
// More names would overlap in the larger font.
const MAX_LARGE_NAMES = 8;
const NAME_LENGTH = 18;

/** Positions for `count` peers, on rings around this site. */
function positionsOf(count: number): { readonly x: number; readonly y: number }[] {
  const positions: { x: number; y: number }[] = [];
  for (let ring = 0; positions.length < count; ring += 1) {
    const radius = FIRST_RING + ring * RING_GAP;
    const onRing = Math.min(count - positions.length, Math.floor((2 * Math.PI * radius) / PEER_GAP));
    for (let index = 0; index < onRing; index += 1) {
      const angle = (2 * Math.PI * index) / onRing - Math.PI / 2 + ring * 0.15;
      positions.push({ x: CENTRE + radius * Math.cos(angle), y: CENTRE + radius * Math.sin(angle) });
    }
  }
  return positions;
}

/** This site in the middle and its peers around it. Hidden from screen readers, which read the table instead. */
export function Drawing({ peers }: { readonly peers: readonly Peer[] }) {
  const positions = positionsOf(peers.length);
  const radius = Math.max(...positions.map(({ x, y }) => Math.hypot(x - CENTRE, y - CENTRE))) + 90;
  const marks = positions.flatMap((position, index) => {
    const peer = peers[index];
    return peer ? [{ ...peer, ...position }] : [];
  });
  return (
    <svg
      class="map"
      font-size={radius / (peers.length <= MAX_LARGE_NAMES ? 20 : 32)}
      viewBox={`${CENTRE - radius} ${CENTRE - radius} ${2 * radius} ${2 * radius}`}
      aria-hidden="true"
      focusable="false"
    >
      {marks.map(({ key, look, x, y }) => (
        <line key={key} class={`edge ${look}`} x1={CENTRE} y1={CENTRE} x2={x} y2={y} />
      ))}
      {marks.map(({ key, name, look, linkId, x, y }) => (
        <a key={key} href={href(linkId === undefined ? '/map' : `/links/${linkId}`)} tabindex={-1}>
          <title>{`${visible(name)}: ${LOOKS[look]}`}</title>
          <Mark look={look} x={x} y={y} />
          {peers.length <= MAX_NAMES && (
            <text x={x} y={y < CENTRE ? y - 18 : y + 28}>
              {shorten(visible(name))}
            </text>
          )}
        </a>
      ))}
      <circle class="centre" cx={CENTRE} cy={CENTRE} r={34} />
      <text class="centre-name" x={CENTRE} y={CENTRE + 5}>
        this site
      </text>
    </svg>
  );
}

/** The mark of a peer; each look has a shape of its own, so that the colour is never the only sign. */
export function Mark({ look, x, y }: { readonly look: Look; readonly x: number; readonly y: number }) {
  if (look === 'expiring') return <path class="peer expiring" d={`M${x} ${y - 11}l11 20h-22z`} />;
  if (look === 'revoked') return <rect class="peer revoked" x={x - 9} y={y - 9} width={18} height={18} />;
  if (look === 'unknown') return <path class="peer unknown" d={`M${x} ${y - 12}l12 12l-12 12l-12 -12z`} />;
  return <circle class={`peer ${look}`} cx={x} cy={y} r={10} />;
}

function shorten(text: string): string {
  return text.length <= NAME_LENGTH ? text : `${text.slice(0, NAME_LENGTH - 1)}…`;
}
