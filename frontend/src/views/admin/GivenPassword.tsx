import { useEffect, useRef, useState } from 'preact/hooks';
import { copyField } from '../../browser/clipboard';

interface GivenPasswordProps {
  username: string;
  password: string;
  onClose(): void;
}

/** Shows a password that an administrator gave to somebody. The server does not know it. */
export function GivenPassword({ username, password, onClose }: GivenPasswordProps) {
  const [copied, setCopied] = useState<boolean | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <div class="form">
      <div class="field">
        <label for="given-password">
          The password of <bdi>@{username}</bdi>
        </label>
        <input
          id="given-password"
          ref={field}
          value={password}
          readOnly
          aria-describedby="given-password-hint"
        />
        <p class="field-hint" id="given-password-hint">
          Tell it to them by a way that others do not read. It is shown only now. They can change it
          in their account.
        </p>
      </div>
      <div role="status" class="form-alert">
        {copied === true && <p class="callout good">The password is copied.</p>}
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
          Copy the password
        </button>
        <button type="button" class="button primary" onClick={onClose}>
          Done
        </button>
      </div>
    </div>
  );
}
