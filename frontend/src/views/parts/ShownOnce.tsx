import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { copyField } from '../../browser/clipboard';

interface ShownOnceProps {
  id: string;
  /** What it is, as in "Copy the token". */
  what: string;
  secret: string;
  label: ComponentChildren;
  hint: string;
  onDone(): void;
}

/** A secret that the server does not know, to be copied before it is gone. */
export function ShownOnce({ id, what, secret, label, hint, onDone }: ShownOnceProps) {
  const [copied, setCopied] = useState<boolean | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <div class="form">
      <div class="field">
        <label for={id}>{label}</label>
        <input
          id={id}
          ref={field}
          value={secret}
          readOnly
          autoComplete="off"
          aria-describedby={`${id}-hint`}
        />
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      </div>
      <div role="status" class="form-alert">
        {copied === true && <p class="callout good">The {what} is copied.</p>}
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
          Copy the {what}
        </button>
        <button type="button" class="button primary" onClick={onDone}>
          Done
        </button>
      </div>
    </div>
  );
}
