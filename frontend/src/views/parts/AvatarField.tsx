import { useRef } from 'preact/hooks';
import { timeoutSignal } from 'tailwire-client/timeout';
import { useSession } from './context';
import { ErrorLine } from './Outcome';
import { WorkButton } from './WorkButton';
import { useWork } from './work';

/** A picture of the greatest size comes through a slow line in this time. */
const UPLOAD_MILLISECONDS = 120_000;
const TYPES = 'image/png,image/jpeg,image/gif,image/webp,image/avif';

interface AvatarFieldProps<T> {
  /** Whose picture it is, for screen readers. */
  of: string;
  /** The address where it is set and removed. */
  path: string;
  avatar: string | null | undefined;
  /** Is given whose picture was changed, as they are shown now. */
  onChanged(now: T): void;
}

/** Sets and removes the picture of a user, a bot or a room. The server keeps the square in its middle. */
export function AvatarField<T>({ of, path, avatar, onChanged }: AvatarFieldProps<T>) {
  const { requests } = useSession();
  const input = useRef<HTMLInputElement>(null);
  const choose = useRef<HTMLSpanElement>(null);
  const { busy, error, run } = useWork();
  const send = async (method: 'PUT' | 'DELETE', file?: File) => {
    const signal = timeoutSignal(UPLOAD_MILLISECONDS);
    const headers = { 'Content-Type': file?.type || 'application/octet-stream' };
    const raw = file && { raw: { body: file, headers, signal } };
    onChanged(await requests.send<T>(method, path, raw));
  };
  return (
    <div class="avatar-field">
      <input
        ref={input}
        type="file"
        accept={TYPES}
        hidden
        tabIndex={-1}
        aria-label={`Picture of ${of}`}
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file) void run(() => send('PUT', file));
          currentTarget.value = '';
        }}
      />
      <span ref={choose} class="avatar-buttons">
        <button
          type="button"
          class="button"
          aria-busy={busy}
          onClick={() => {
            if (!busy) input.current?.click();
          }}
        >
          {avatar ? 'Change the picture' : 'Choose a picture'}
        </button>
        {avatar && (
          <WorkButton
            class="button"
            onPress={async () => {
              await run(() => send('DELETE'));
              choose.current?.querySelector('button')?.focus();
            }}
          >
            Remove it
          </WorkButton>
        )}
      </span>
      <ErrorLine text={error} />
    </div>
  );
}
