import { useMemo, useState } from 'preact/hooks';
import { copyText } from '../../browser/clipboard';
import { useApp } from '../parts/context';
import { Icon } from '../parts/Icon';
import { shaped } from './shaped';

/** Code, with a button that copies it. Its colours are loaded with the first code that can have any. */
export function CodeBlock({ language, text }: { language: string; text: string }) {
  const { highlight } = useApp();
  const [copied, setCopied] = useState(false);
  const colour = language ? highlight.value : null;
  const tokens = useMemo(() => colour?.(text, language) ?? [text], [colour, text, language]);
  return (
    <div class="code-block">
      <pre dir="ltr" data-language={language || undefined}>
        <code>
          {tokens.map((token, index) =>
            typeof token === 'string' ? (
              shaped(token)
            ) : (
              <span key={index} class={`code-${token.kind}`}>
                {shaped(token.text)}
              </span>
            ),
          )}
        </code>
      </pre>
      <button
        type="button"
        class="icon-button"
        tabIndex={-1}
        aria-label={copied ? 'Copied' : 'Copy the code'}
        title={copied ? 'Copied' : 'Copy the code'}
        onClick={async () => setCopied(await copyText(text))}
        onBlur={() => setCopied(false)}
      >
        <Icon name={copied ? 'check' : 'copy'} size={16} />
      </button>
    </div>
  );
}
