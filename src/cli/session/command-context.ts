import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';

/** The clock and the checkpoints of commands. Tests replace them. */
export interface CommandContext {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}
