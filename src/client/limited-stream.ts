import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { RunWork } from '../time/cpu-budget.js';

/**
 * Bytes that a server may send before its handshake is complete. OpenSSL verifies all certificates of a server on the event
 * loop, also those of an untrusted server: 94 KB can take 0.4 s of CPU, 16 KiB up to 0.1 s. A server with three certificates of
 * RSA-4096 sends 6 KB.
 */
export const MAX_HANDSHAKE_BYTES = 16 * 1024;

/** Limits of the work that a server causes. */
export interface ServerLimits {
  /** Runs the work, to charge its CPU time; absent if it need not be charged. */
  readonly runWork?: RunWork | undefined;
  /** Maximum size of the response in bytes, without its headers. */
  readonly responseLimit: number;
}

/**
 * Returns how many bytes a server may send after its handshake for a response of at most `limit` bytes, so that there is room for
 * its headers, chunk sizes and TLS records, and for the last read of the socket, which may go beyond the limit. A large response
 * in one-byte chunks exceeds it: each of them takes six bytes, and as much work as a large chunk.
 */
export const wireLimitOf = (limit: number) => limit + limit / 8 + 128 * 1024;

/** The code of {@link HandshakeTooLong}. */
export const HANDSHAKE_TOO_LONG = 'HANDSHAKE_TOO_LONG';

/** A server sent more than {@link MAX_HANDSHAKE_BYTES} before its handshake was complete. */
class HandshakeTooLong extends Error {
  override readonly name = 'HandshakeTooLong';
  readonly code = HANDSHAKE_TOO_LONG;
}

/**
 * A socket as a stream that limits what the server sends to TLS or HTTP, and runs their work for it with `runWork`. The chunk that
 * exceeds the limit is not passed on: the stream fails, during the handshake (before `startResponse`) with HandshakeTooLong.
 */
export class LimitedStream extends Duplex {
  readonly #socket: Socket;
  readonly #limits: ServerLimits;
  #bytesLeft = MAX_HANDSHAKE_BYTES;
  #isHandshake = true;

  constructor(socket: Socket, limits: ServerLimits) {
    super();
    this.#socket = socket;
    this.#limits = limits;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  /** Replaces the limit of the handshake by that of the response. Called at once if there is no handshake. */
  startResponse(): void {
    this.#bytesLeft = wireLimitOf(this.#limits.responseLimit);
    this.#isHandshake = false;
  }

  #receive(chunk: Buffer): void {
    this.#bytesLeft -= chunk.length;
    if (this.#bytesLeft < 0) {
      this.destroy(this.#isHandshake ? new HandshakeTooLong() : new Error('too many bytes for a response'));
      return;
    }
    const { runWork = (work) => work() } = this.#limits;
    // TLS and HTTP read the chunk before `push` returns.
    if (!runWork(() => this.push(chunk))) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // TLS also writes its end after the server has closed the connection.
    if (this.#socket.writable) this.#socket.write(chunk, done);
    else done();
  }

  override _final(done: () => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
