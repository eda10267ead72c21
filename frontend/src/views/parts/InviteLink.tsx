import { useEffect, useRef, useState } from 'preact/hooks';
import { copyField } from '../../browser/clipboard';
import { QrCode } from './QrCode';

/** The link of an invitation that was just made: to copy, and as a picture for the camera of a phone. */
export function InviteLink({ link, onAnother }: { link: string; onAnother(): void }) {
  const [copied, setCopied] = useState<boolean | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <div class="form">
      <div class="field">
        <label for="invite-link">Give this link away</label>
        <input
          id="invite-link"
          ref={field}
          value={link}
          readOnly
          aria-describedby="invite-link-hint"
        />
        <p class="field-hint" id="invite-link-hint">
          It is shown only now. The server keeps nothing from which it could be made again.
        </p>
      </div>
      <QrCode text={link} label="The link as a picture for the camera of a phone" />
      <div role="status" class="form-alert">
        {copied === true && <p class="callout good">The link is copied.</p>}
        {copied === false && (
          <p class="callout">The browser does not let this page copy. Copy the link yourself.</p>
        )}
      </div>
      <div class="form-actions">
        <button type="button" class="button" onClick={onAnother}>
          Make another
        </button>
        <button
          type="button"
          class="button primary"
          onClick={async () => {
            if (field.current) setCopied(await copyField(field.current));
          }}
        >
          Copy link
        </button>
      </div>
    </div>
  );
}
