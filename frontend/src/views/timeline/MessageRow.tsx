import { Component } from 'preact';
import { clockTime, fullTime } from '../../browser/time';
import type { Author } from '../../rooms/names';
import type { PendingMessage } from '../../rooms/outbox';
import type { Row } from '../../rooms/rows';
import type { Entry, MessageEntry } from '../../rooms/timeline';
import { Avatar } from '../parts/Avatar';
import { Icon } from '../parts/Icon';
import { Name, Username } from '../parts/Name';
import { Body } from './Body';

interface MessageRowProps {
  row: Extract<Row, { kind: 'message' | 'pending' }>;
  me: Author;
  quoted: Entry | undefined;
  highlighted: boolean;
  onReply(entry: MessageEntry): void;
  onQuote(seq: number): void;
  onRetry(ref: string): void;
  onDiscard(ref: string): void;
}

/**
 * One message, pending or stored. Both are the same row, so the echo replaces the pending message
 * in place.
 */
export class MessageRow extends Component<MessageRowProps> {
  override shouldComponentUpdate(next: MessageRowProps): boolean {
    const { row, quoted, highlighted } = this.props;
    return (
      next.row.leads !== row.leads ||
      sourceOf(next.row) !== sourceOf(row) ||
      next.quoted !== quoted ||
      next.highlighted !== highlighted
    );
  }

  override render() {
    const { row, me, quoted, highlighted, onReply, onQuote } = this.props;
    const { at } = sourceOf(row);
    const { body, reply_to } = row.kind === 'message' ? row.entry : row.pending.command;
    const entry = row.kind === 'message' ? row.entry : null;
    const pending = row.kind === 'pending' ? row.pending : null;
    const author = entry ?? me;
    const classes = ['message'];
    if (row.leads) classes.push('leads');
    if (pending) classes.push(pending.state === 'failed' ? 'failed' : 'pending');
    if (highlighted) classes.push('highlighted');
    const time = (
      <time dateTime={at} title={fullTime(at)}>
        {clockTime(at)}
      </time>
    );
    return (
      // One message at a time is a stop of the Tab key (roving.ts).
      <article class={classes.join(' ')} data-key={row.key} data-seq={entry?.seq} tabIndex={-1}>
        <div class="message-gutter">
          {row.leads ? (
            <Avatar username={author.username} />
          ) : (
            <span class="message-gutter-time" aria-hidden="true">
              {clockTime(at)}
            </span>
          )}
        </div>
        <div class="message-main">
          <header class={row.leads ? 'message-head' : 'message-head visually-hidden'}>
            <span class="message-author">
              <Name of={author} />
            </span>{' '}
            {row.leads && <Username of={author} />} {time}
          </header>
          {reply_to && <Quote seq={reply_to} quoted={quoted} onQuote={onQuote} />}
          {entry?.deleted ? (
            <p class="tombstone">This message was deleted.</p>
          ) : (
            <Body text={body} />
          )}
          {entry?.edited_at && !entry.deleted && (
            <span class="edited" title={fullTime(entry.edited_at)}>
              edited
            </span>
          )}
          {entry && <Reactions entry={entry} me={me} />}
          {pending && this.#status(pending)}
        </div>
        {entry && !entry.deleted && (
          <div class="message-actions">
            <button
              type="button"
              class="icon-button"
              title="Reply"
              tabIndex={-1}
              onClick={() => onReply(entry)}
            >
              <span class="visually-hidden">
                Reply to <Name of={entry} />
              </span>
              <Icon name="reply" size={18} />
            </button>
          </div>
        )}
      </article>
    );
  }

  #status({ command: { ref }, state, error }: PendingMessage) {
    const { onRetry, onDiscard } = this.props;
    if (state !== 'failed')
      return (
        <p class="message-status">{state === 'waiting' ? 'Waiting to be sent' : 'Sending…'}</p>
      );
    return (
      <div class="message-failure" role="alert">
        <Icon name="warning" size={16} />
        <span>Not sent. {error}</span>
        <button type="button" class="link-button" onClick={() => onRetry(ref)}>
          Retry
        </button>
        <button type="button" class="link-button" onClick={() => onDiscard(ref)}>
          Discard
        </button>
      </div>
    );
  }
}

/** The object that a row shows. While it is the same object, the row has not changed. */
function sourceOf(row: MessageRowProps['row']): MessageEntry | PendingMessage {
  return row.kind === 'message' ? row.entry : row.pending;
}

const QUOTE_CHARACTERS = 160;

interface QuoteProps {
  seq: number;
  quoted: Entry | undefined;
  onQuote(seq: number): void;
}

function Quote({ seq, quoted, onQuote }: QuoteProps) {
  if (quoted?.kind !== 'message')
    return (
      <p class="quote">
        <Icon name="reply" size={14} /> In reply to an earlier message
      </p>
    );
  return (
    <button type="button" class="quote" tabIndex={-1} onClick={() => onQuote(seq)}>
      <Icon name="reply" size={14} />
      <span class="visually-hidden">In reply to </span>
      <strong>
        <Name of={quoted} />
      </strong>
      <span class="quote-text" dir="auto">
        {quoted.deleted ? 'Message deleted' : quoted.body.slice(0, QUOTE_CHARACTERS)}
      </span>
    </button>
  );
}

function Reactions({ entry, me }: { entry: MessageEntry; me: Author }) {
  if (entry.reactions.length === 0) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {entry.reactions.map(({ emoji, user_ids }) => (
        <li key={emoji} class={user_ids.includes(me.user_id) ? 'reaction mine' : 'reaction'}>
          {emoji} <span class="reaction-count">{user_ids.length}</span>
        </li>
      ))}
    </ul>
  );
}
