import { useState } from 'preact/hooks';
import { shellCommand } from '../../../src/domain/shell-words.js';
import { useSession } from '../state/session.js';
import { Button } from './button.js';
import { Icon } from './icon.js';
import { CommandText } from './text.js';

interface CopyableProps {
  readonly label: string;
  readonly text: string;
  readonly onCopy?: () => void;
}

/** A text with a button that copies it; `label` says what it is. */
export function Copyable({ label, text, onCopy }: CopyableProps) {
  const [result, setResult] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setResult('Copied');
      onCopy?.();
    } catch {
      setResult('Select the text and copy it');
    }
    setTimeout(() => setResult(''), 4_000);
  };
  return (
    <figure class="pf-v6-c-code-block" aria-label={label}>
      <div class="pf-v6-c-code-block__header">
        <span class="subtle">{label}</span>
        <div class="pf-v6-c-code-block__actions">
          <Button isSmall label={`${result || 'Copy'}: ${label}`} onClick={copy}>
            <Icon name="copy" /> {result || 'Copy'}
          </Button>
        </div>
      </div>
      <div class="pf-v6-c-code-block__content">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard. */}
        <pre class="pf-v6-c-code-block__pre" tabIndex={0} onCopy={onCopy}>
          <code class="pf-v6-c-code-block__code">
            <CommandText text={text} />
          </code>
        </pre>
      </div>
      <span class="pf-v6-screen-reader" role="status">
        {result}
      </span>
    </figure>
  );
}

interface CommandProps {
  /** The command without the name of the program. */
  readonly words: readonly string[];
  readonly label?: string;
}

/** The command that does the same as an action of the console. */
export function Command({ words, label = 'The same in a terminal' }: CommandProps) {
  const { program = 'linkgrant', commandFlags = '' } = useSession();
  return <Copyable label={label} text={`${program} ${shellCommand(words)}${commandFlags}`} />;
}

/** Label of a host command that does the same as an action of the console, or shows the same as a page. */
export const SAME_ON_HOST = 'The same in a terminal, on the host of the service';

/** Returns a function that formats a command for the host of the service, without the flags that select a remote service. */
export function useHostCommand(): (words: readonly string[]) => string {
  const { program = 'linkgrant', commandFlags = '', isRemote } = useSession();
  const flags = isRemote ? '' : commandFlags;
  return (words) => `${program} ${shellCommand(words)}${flags}`;
}

/** A command for the host of the service. */
export function HostCommand({ words, label = 'Run this on the host of the service' }: CommandProps) {
  return <Copyable label={label} text={useHostCommand()(words)} />;
}
