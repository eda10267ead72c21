import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { copyField } from '../../browser/clipboard';

interface ShownOnceProps {
  id: string;
  /** What it is, as in "Copy the token". */
  what: string;
  secret: string;
  label: ComponentChildren;
  hint: ComponentChildren;
  /** A line for a terminal that uses it. It can be copied, too. */
  line?: string;
  /** The words on the button that closes it. */
  done?: string;
  /** What is shown below it. */
  children?: ComponentChildren;
  onDone(): void;
}

/** A secret that the server does not tell again, to be copied before it is gone. */
export function ShownOnce(props: ShownOnceProps) {
  const { id, what, secret, line } = props;
  const [copied, setCopied] = useState<{ what: string; isDone: boolean } | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const command = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const copy = (what: string, from: RefObject<HTMLInputElement | HTMLTextAreaElement | null>) => (
    <button
      type="button"
      class="button"
      onClick={async () => {
        if (from.current) setCopied({ what, isDone: await copyField(from.current) });
      }}
    >
      Copy the {what}
    </button>
  );
  return (
    <div class="form">
      <div class="field">
        <label for={id}>{props.label}</label>
        <input
          id={id}
          ref={field}
          value={secret}
          readOnly
          autoComplete="off"
          aria-describedby={`${id}-hint`}
        />
        <p class="field-hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      </div>
      {line && (
        <div class="field">
          <label for={`${id}-line`}>Try it in a terminal</label>
          <textarea id={`${id}-line`} class="code-field" ref={command} rows={4} readOnly>
            {line}
          </textarea>
        </div>
      )}
      {props.children}
      <div role="status" class="form-alert">
        {copied?.isDone === true && <p class="callout good">The {copied.what} is copied.</p>}
        {copied?.isDone === false && (
          <p class="callout">The browser does not let this page copy. Copy it yourself.</p>
        )}
      </div>
      <div class="form-actions">
        {line && copy('line', command)}
        {copy(what, field)}
        <button type="button" class="button primary" onClick={props.onDone}>
          {props.done ?? 'Done'}
        </button>
      </div>
    </div>
  );
}
