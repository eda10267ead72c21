import { useEffect, useRef, useState } from 'preact/hooks';
import { copyField } from '../../browser/clipboard';

/** Shows the secret of a token that was just made. The server does not know it. */
export function NewTokenShown({ token, onDone }: { token: string; onDone(): void }) {
  const [copied, setCopied] = useState<boolean | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <div class="form">
      <div class="field">
        <label for="new-token">Give this to the program</label>
        <input
          id="new-token"
          ref={field}
          value={token}
          readOnly
          autoComplete="off"
          aria-describedby="new-token-hint"
        />
        <p class="field-hint" id="new-token-hint">
          It is shown only now. Whoever has it may do what it allows, so keep it as you keep a
          password.
        </p>
      </div>
      <div role="status" class="form-alert">
        {copied === true && <p class="callout good">The token is copied.</p>}
        {copied === false && (
          <p class="callout">The browser does not let this page copy. Copy it yourself.</p>
        )}
      </div>
      <div class="form-actions">
        <button
          type="button"
          class="button"
          onClick={async () => {
            if (field.current) setCopied(await copyField(field.current));
          }}
        >
          Copy the token
        </button>
        <button type="button" class="button primary" onClick={onDone}>
          Done
        </button>
      </div>
    </div>
  );
}
