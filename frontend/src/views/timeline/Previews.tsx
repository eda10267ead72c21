import { isPicture, type LinkPreview } from 'tailwire-client/wire/files';
import { safeHref } from '../../browser/text';
import { Icon } from '../parts/Icon';
import { Picture } from '../parts/Picture';

export interface PreviewsProps {
  previews: readonly LinkPreview[];
  /** Takes them away, for everybody. Missing where the user may not. */
  onHide: (() => void) | undefined;
}

/** What is behind the links of a message, in its final size from the first moment. */
export function Previews({ previews, onHide }: PreviewsProps) {
  const text = previews.length === 1 ? 'Hide the preview' : 'Hide the previews';
  return (
    <div class="previews">
      <div class="preview-list">
        {previews.map((preview) => (
          <Preview key={preview.url} {...preview} />
        ))}
      </div>
      {onHide && (
        <button
          type="button"
          class="icon-button"
          title={text}
          aria-label={text}
          tabIndex={-1}
          onClick={onHide}
        >
          <Icon name="close" size={16} />
        </button>
      )}
    </div>
  );
}

function Preview({ url, title, description, site_name, picture }: LinkPreview) {
  const href = safeHref(url);
  if (href === null) return null;
  return (
    <div class="preview">
      <div class="preview-words">
        {site_name && (
          <span class="preview-site" dir="auto">
            {site_name}
          </span>
        )}
        <a
          href={href}
          dir="auto"
          target="_blank"
          rel="noopener noreferrer nofollow"
          title={href}
          tabIndex={-1}
        >
          {title}
        </a>
        {description && <p dir="auto">{description}</p>}
      </div>
      {picture && isPicture(picture) && (
        <span class="preview-picture" aria-hidden={picture.alt ? undefined : 'true'}>
          <Picture file={picture} thumb />
        </span>
      )}
    </div>
  );
}
