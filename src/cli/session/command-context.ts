import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';

/** The dependencies that the program passes to each command. */
export interface CommandContext {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}
