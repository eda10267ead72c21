import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { copyField } from '../../browser/clipboard';
import type { MadeHook } from '../../wire/hooks';

/** The address of a hook that was just made: to copy, and a line of shell that tries it. */
export function HookAddress({ hook, onAnother }: { hook: MadeHook; onAnother(): void }) {
  const [copied, setCopied] = useState<'address' | 'line' | 'nothing' | null>(null);
  const address = useRef<HTMLInputElement>(null);
  const line = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => {
    address.current?.focus();
    address.current?.select();
  }, []);
  const copy = async (field: HTMLInputElement | HTMLTextAreaElement | null, what: typeof copied) =>
    field && setCopied((await copyField(field)) ? what : 'nothing');
  return (
    <div class="form hook-address">
      <div class="field">
        <label for={id}>
          Address of <bdi>{hook.name}</bdi>
        </label>
        <input id={id} ref={address} value={hook.url} readOnly aria-describedby={`${id}-hint`} />
        <p class="field-hint" id={`${id}-hint`}>
          It is shown only now. Whoever has it can post here, so keep it like a password.
        </p>
      </div>
      <div class="field">
        <label for={`${id}-line`}>Try it in a terminal</label>
        <textarea id={`${id}-line`} class="code-field" ref={line} rows={4} readOnly>
          {lineFor(hook.url)}
        </textarea>
      </div>
      <div role="status" class="form-alert">
        {copied === 'address' && <p class="callout good">The address is copied.</p>}
        {copied === 'line' && <p class="callout good">The line is copied.</p>}
        {copied === 'nothing' && (
          <p class="callout">The browser does not let this page copy. Copy it yourself.</p>
        )}
      </div>
      <div class="form-actions">
        <button type="button" class="button" onClick={onAnother}>
          Make another
        </button>
        <button type="button" class="button" onClick={() => copy(line.current, 'line')}>
          Copy line
        </button>
        <button
          type="button"
          class="button primary"
          onClick={() => copy(address.current, 'address')}
        >
          Copy address
        </button>
      </div>
    </div>
  );
}

/** A command for a terminal that posts to a hook. The address has no quotes. */
function lineFor(url: string): string {
  return `curl '${url}' -H 'Content-Type: application/json' -d '{"text": "It *works*"}'`;
}
