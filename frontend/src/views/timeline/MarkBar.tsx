import type { Mark } from '../../formatting/marks';
import { MARKS } from '../../formatting/marks';
import { Icon } from '../parts/Icon';

interface MarkBarProps {
  id: string;
  previews: boolean;
  onMark(mark: Mark): void;
  onPreview(): void;
}

/** The buttons that format what is selected in the composer. */
export function MarkBar({ id, previews, onMark, onPreview }: MarkBarProps) {
  return (
    <fieldset id={id} class="composer-marks" aria-label="Formatting">
      {MARKS.map((mark) => (
        <button
          key={mark.name}
          type="button"
          class="icon-button"
          aria-label={mark.title}
          title={`${mark.title} (${mark.keys.join('+')})`}
          // The field keeps the focus, and what is selected in it.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onMark(mark)}
        >
          <Icon name={mark.name} size={18} />
        </button>
      ))}
      <button
        type="button"
        class="icon-button"
        aria-label="Preview"
        title="Preview (Ctrl+Alt+P)"
        aria-pressed={previews}
        onMouseDown={(event) => event.preventDefault()}
        onClick={onPreview}
      >
        <Icon name="eye" size={18} />
      </button>
    </fieldset>
  );
}
