import { useApp } from './context';
import { Dialog } from './Dialog';
import { EmojiGrid } from './EmojiGrid';

interface EmojiPickerProps {
  /** Called once. The dialog is closed then, so that something else can have the focus. */
  onPick(emoji: string): void;
  onClose(): void;
}

/** A dialog in which one emoji is picked. It opens beside what has the focus. */
export function EmojiPicker({ onPick, onClose }: EmojiPickerProps) {
  const { emoji, recentEmoji } = useApp();
  const catalogue = emoji.value;
  return (
    <Dialog title="Pick an emoji" onClose={onClose} beside>
      {catalogue ? (
        <EmojiGrid
          catalogue={catalogue}
          recent={recentEmoji.list.value}
          onPick={(picked) => {
            recentEmoji.picked(picked);
            onPick(picked);
            onClose();
          }}
        />
      ) : emoji.failed.value ? (
        <p class="callout danger" role="alert">
          The emoji cannot be loaded.{' '}
          <button type="button" class="link-button" onClick={() => emoji.again()}>
            Try again
          </button>
        </p>
      ) : (
        <p role="status">Loading…</p>
      )}
    </Dialog>
  );
}
