import type { Chance } from './round.js';

/** An HTTP request before it is written as bytes; all text is Latin-1, one character for one byte. */
export interface RequestDraft {
  method: string;
  target: string;
  version: string;
  hostLines: string[];
  /** Field lines other than Host and framing. */
  lines: string[];
  framing: 'length' | 'chunked' | readonly string[];
  body: string;
  lineEnd: string;
}

/** The request as bytes. */
export function renderDraft(draft: RequestDraft, chance: Chance): Buffer {
  const { method, target, version, hostLines, lines, framing, body, lineEnd } = draft;
  const isChunked =
    framing === 'chunked' ||
    (typeof framing === 'object' && /chunked/i.test(framing.join()) && chance.below(4) > 0);
  const framingLines =
    framing === 'length'
      ? [`Content-Length: ${body.length}`]
      : framing === 'chunked'
        ? ['Transfer-Encoding: chunked']
        : framing;
  const head = [`${method} ${target} ${version}`, ...hostLines, ...lines, ...framingLines, '', ''].join(
    lineEnd,
  );
  return Buffer.from(head + (isChunked ? inChunks(body, chance) : body), 'latin1');
}

function inChunks(body: string, chance: Chance): string {
  let text = '';
  for (let start = 0; start < body.length; ) {
    const chunk = body.slice(start, start + 1 + chance.below(body.length));
    const size = chance.pick([
      chunk.length.toString(16),
      chunk.length.toString(16).padStart(8, '0').toUpperCase(),
    ]);
    text += `${size}${chance.pick(['', '', '', ';x=y', ' '])}\r\n${chunk}\r\n`;
    start += chunk.length;
  }
  return (
    text +
    chance.pick(['0\r\n\r\n', '0\r\n\r\n', '0\r\n\r\n', '0\r\ncsr: AAAA\r\n\r\n', '0\r\n', '-1\r\n\r\n'])
  );
}
