import { Component, type ComponentProps } from 'preact';
import type { PendingChange, PendingMessage } from 'tailwire-client/rooms/pending';
import type { Entry, MessageEntry } from 'tailwire-client/rooms/timeline';
import type { EntryCommand } from 'tailwire-client/wire/commands';
import { personHash } from '../../browser/router';
import { clockTime, fullTime } from '../../browser/time';
import type { Abilities } from '../../rooms/actions';
import type { Author } from '../../rooms/names';
import type { Row } from '../../rooms/rows';
import { isMention } from '../../rooms/unread';
import { BotMark } from '../parts/BotMark';
import { useApp, useSession } from '../parts/context';
import { FarName } from '../parts/FarName';
import { Icon, type IconName } from '../parts/Icon';
import { Name, Username } from '../parts/Name';
import { AuthorAvatar } from './Author';
import type { Acts } from './acts';
import { Excerpt } from './Excerpt';
import { FilesPlace } from './FilesPlace';
import { LongBody } from './LongBody';
import { loadMessageViews } from './load';
import type { MessageEditor } from './MessageEditor';
import { useMentions } from './mentions';
import { PreviewsPlace } from './PreviewsPlace';
import { Reactions } from './Reactions';
import { Replies, ToThread } from './Replies';
import { Veiled } from './Veiled';

interface MessageRowProps {
  row: Extract<Row, { kind: 'message' | 'pending' }>;
  room_id: string;
  me: Author;
  quoted: Entry | undefined;
  highlighted: boolean;
  abilities: Abilities;
  isEdited: boolean;
  /** The root of the thread in which the row stands; null in the room. */
  root: number | null;
  acts: Acts;
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
    const { row, quoted, highlighted, abilities, isEdited } = this.props;
    return (
      next.row.leads !== row.leads ||
      sourceOf(next.row) !== sourceOf(row) ||
      changesOf(next.row) !== changesOf(row) ||
      next.quoted !== quoted ||
      next.highlighted !== highlighted ||
      next.abilities !== abilities ||
      next.isEdited !== isEdited
    );
  }

  override render() {
    const { row, room_id, me, quoted, highlighted, isEdited, root } = this.props;
    const { abilities, acts, onQuote } = this.props;
    const { at } = sourceOf(row);
    const { body, reply_to } = row.kind === 'message' ? row.entry : row.pending.command;
    const entry = row.kind === 'message' ? row.entry : null;
    const pending = row.kind === 'pending' ? row.pending : null;
    const author = entry ?? me;
    const classes = ['message'];
    if (row.leads) classes.push('leads');
    if (pending) classes.push(pending.state === 'failed' ? 'failed' : 'pending');
    if (entry && entry.user_id !== me.user_id && isMention(entry, me.user_id))
      classes.push('to-me');
    if (highlighted) classes.push('highlighted');
    const time = (
      <time dateTime={at} title={fullTime(at)}>
        {clockTime(at)}
      </time>
    );
    const toThread = (event: { currentTarget: Element }) =>
      entry && acts.act('thread', entry.seq, rectOf(event));
    return (
      // One message at a time is a stop of the Tab key (roving.ts).
      <article class={classes.join(' ')} data-key={row.key} data-seq={entry?.seq} tabIndex={-1}>
        <div class="message-gutter">
          {row.leads ? (
            <AuthorAvatar of={author} />
          ) : (
            <span class="message-gutter-time" aria-hidden="true">
              {clockTime(at)}
            </span>
          )}
        </div>
        <div class="message-main">
          <header class={row.leads ? 'message-head' : 'message-head visually-hidden'}>
            {row.leads ? (
              <a class="message-author" href={personHash(room_id, author.user_id)} tabIndex={-1}>
                <FarName of={author} room_id={room_id} />
              </a>
            ) : (
              <FarName of={author} room_id={room_id} />
            )}{' '}
            {row.leads && entry?.is_bot && <BotMark />}
            {row.leads && <Username of={author} />} {time}
          </header>
          {reply_to && reply_to !== root && (
            <div class="answer">
              <Quote seq={reply_to} quoted={quoted} onQuote={onQuote} />
              {entry?.thread && abilities.thread && <ToThread onOpen={toThread} />}
            </div>
          )}
          <Veiled user_id={author.user_id}>{this.#content(body, entry, pending)}</Veiled>
          {entry && abilities.thread && <Replies entry={entry} onOpen={toThread} />}
          {pending && this.#status(pending)}
          {row.kind === 'message' && row.changes.map((change) => this.#status(change))}
        </div>
        {entry && !isEdited && this.#actions(entry)}
      </article>
    );
  }

  #content(body: string, entry: MessageEntry | null, pending: PendingMessage | null) {
    const { isEdited, acts, room_id } = this.props;
    const ids = pending?.command.files;
    const open = (file_id: string) => entry && acts.show(entry.seq, file_id);
    if (entry && isEdited)
      return (
        <Editor
          room_id={room_id}
          entry={entry}
          draft={acts.draftOf(entry.seq)}
          onSave={(text) => acts.save(entry.seq, text)}
          onEmpty={() => acts.act('delete', entry.seq, new DOMRect())}
          onClose={acts.stopEditing}
        />
      );
    if (entry?.deleted) return <p class="tombstone">This message was deleted.</p>;
    return (
      <>
        {entry?.pinned && (
          <p class="pinned">
            <Icon name="pin" size={14} /> Pinned
          </p>
        )}
        {body && <Text room_id={room_id} body={body} entry={entry} />}
        {(entry?.files.length || ids) && (
          <FilesPlace files={entry?.files} ids={ids} onOpen={open} />
        )}
        {entry && entry.previews.length > 0 && this.#previews(entry)}
        {entry?.edited_at && (
          <button
            type="button"
            class="edited"
            title={fullTime(entry.edited_at)}
            tabIndex={-1}
            onClick={(event) => acts.act('edits', entry.seq, rectOf(event))}
          >
            edited
          </button>
        )}
        {entry && this.#reactions(entry)}
      </>
    );
  }

  #previews(entry: MessageEntry) {
    const { acts } = this.props;
    const hide = () => acts.act('previews', entry.seq, new DOMRect());
    const onHide = acts.offered(entry).includes('previews') ? hide : undefined;
    return <PreviewsPlace previews={entry.previews} onHide={onHide} />;
  }

  #reactions(entry: MessageEntry) {
    const { room_id, me, abilities, acts } = this.props;
    const { seq } = entry;
    return (
      <Reactions
        room_id={room_id}
        entry={entry}
        me={me.user_id}
        canReact={abilities.react}
        onReact={(emoji) => acts.react(seq, emoji)}
        onWho={() => acts.act('reactors', seq, new DOMRect())}
        onMore={(button) => acts.act('react', seq, button.getBoundingClientRect())}
      />
    );
  }

  #actions(entry: MessageEntry) {
    const { abilities, acts } = this.props;
    const button = (
      action: 'react' | 'reply' | 'thread' | 'menu',
      icon: IconName,
      text: string,
    ) => (
      <button
        type="button"
        class={`icon-button act-${action}`}
        title={text}
        tabIndex={-1}
        aria-haspopup={action === 'react' || action === 'menu' ? 'menu' : undefined}
        onClick={(event) => acts.act(action, entry.seq, rectOf(event))}
      >
        <span class="visually-hidden">
          {text}: <Name of={entry} />
        </span>
        <Icon name={icon} size={18} />
      </button>
    );
    return (
      <div class="message-actions">
        {abilities.react && !entry.deleted && button('react', 'smile', 'React')}
        {abilities.reply && !entry.deleted && (
          <>
            {button('reply', 'reply', 'Reply')}
            {abilities.thread && button('thread', 'thread', 'Reply in thread')}
          </>
        )}
        {button('menu', 'more', 'More')}
      </div>
    );
  }

  #status({ command, state, error }: PendingMessage | PendingChange) {
    const { onRetry, onDiscard } = this.props;
    const { ref, type } = command;
    if (state === 'failed')
      return (
        <div class="message-failure" role="alert" key={ref}>
          <Icon name="warning" size={16} />
          <span>
            {FAILED[type]} {error}
          </span>
          <button type="button" class="link-button" onClick={() => onRetry(ref)}>
            Retry
          </button>
          <button type="button" class="link-button" onClick={() => onDiscard(ref)}>
            Discard
          </button>
        </div>
      );
    // A reaction is shown as if it were there already.
    if (type === 'react' || type === 'unreact') return null;
    const doing = type === 'send' ? 'Sending…' : type === 'delete' ? 'Deleting…' : 'Saving…';
    return (
      <p class="message-status" key={ref}>
        {state === 'waiting' ? 'Waiting to be sent' : doing}
      </p>
    );
  }
}

/** The editor is no part of the first load. Until it is there, the text is shown as it is. */
function Editor(props: ComponentProps<typeof MessageEditor>) {
  const Shown = useApp().parts.of(loadMessageViews).value?.MessageEditor;
  return Shown ? <Shown {...props} /> : <LongBody text={props.entry.body} />;
}

interface TextProps {
  room_id: string;
  body: string;
  entry: MessageEntry | null;
}

function Text({ room_id, body, entry }: TextProps) {
  return <LongBody text={body} mentions={useMentions(room_id, entry)} />;
}

const FAILED: Record<EntryCommand['type'], string> = {
  send: 'Not sent.',
  edit: 'The edit was not saved.',
  delete: 'Not deleted.',
  react: 'The reaction was not sent.',
  unreact: 'The reaction was not taken back.',
  pin: 'Not pinned.',
  unpin: 'Not unpinned.',
  remove_previews: 'The previews are still there.',
};

function rectOf({ currentTarget }: { currentTarget: Element }): DOMRect {
  return currentTarget.getBoundingClientRect();
}

/** The object that a row shows. While it is the same object, the row has not changed. */
function sourceOf(row: MessageRowProps['row']): MessageEntry | PendingMessage {
  return row.kind === 'message' ? row.entry : row.pending;
}

function changesOf(row: MessageRowProps['row']): readonly PendingChange[] | null {
  return row.kind === 'message' ? row.changes : null;
}

interface QuoteProps {
  seq: number;
  quoted: Entry | undefined;
  onQuote(seq: number): void;
}

function Quote({ seq, quoted, onQuote }: QuoteProps) {
  const { blocks } = useSession();
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
        {quoted.deleted ? (
          'Message deleted'
        ) : blocks.isUnknown() ? null : blocks.has(quoted.user_id) ? (
          'You blocked who wrote this.'
        ) : (
          <Excerpt text={quoted.body} />
        )}
      </span>
    </button>
  );
}
