import { type Signal, useSignal } from '@preact/signals';
import { useCallback, useMemo } from 'preact/hooks';
import { findEntry, type MessageEntry, type Timeline } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { copyText } from '../../browser/clipboard';
import { messageHash, personHash, threadHash } from '../../browser/router';
import { type Action, abilitiesIn, actionsFor } from '../../rooms/actions';
import { bySeq, overlaid } from '../../rooms/overlay';
import { useApp, useSession } from '../parts/context';

/** What is open for a message. */
export interface Acting {
  what:
    | 'menu'
    | 'react'
    | 'emoji'
    | 'edits'
    | 'reactors'
    | 'delete'
    | 'forward'
    | 'report'
    | 'pictures';
  seq: number;
  anchor: DOMRect;
  /** The picture that is shown. */
  file_id?: string;
}

interface ActsOptions {
  room: Room;
  timeline: Signal<Timeline>;
  /** The seq of the message that is being edited. */
  editing: Signal<number | null>;
  /** The root of the thread in which the messages are shown; null in the room. */
  root: number | null;
  onReply(entry: MessageEntry): void;
  /** Opens the thread below the message `root`, at the reply `seq`. */
  onThread(root: number, seq: number | null): void;
}

export type Acts = ReturnType<typeof useActs>;

/** What the user does with the messages of a room. */
export function useActs({ room, timeline, editing, root, onReply, onThread }: ActsOptions) {
  const session = useSession();
  const { members, outbox, user_id: me } = session;
  const { router } = useApp();
  const acting = useSignal<Acting | null>(null);
  /** What was done, for a moment. */
  const said = useSignal<{ text: string } | null>(null);
  const features = session.features.value;
  const abilities = useMemo(() => {
    const may = abilitiesIn(room, features);
    return { ...may, thread: may.thread && root === null };
  }, [room.role, room.archived, room.post_role, features, root]);

  /** The message as it is shown. */
  const find = (seq: number): MessageEntry | undefined => {
    const { epoch } = timeline.peek();
    const entry = findEntry(timeline.peek(), seq);
    if (entry?.kind !== 'message') return undefined;
    const changes = bySeq(outbox.changesIn(room.id), epoch).get(seq) ?? [];
    return overlaid(entry, changes, me);
  };

  const offered = (entry: MessageEntry): Action[] => {
    const list = members.of(room.id);
    const author = list?.members.find(({ user_id }) => user_id === entry.user_id);
    const isComplete = list?.state === 'loaded' && !list.more;
    const authorRole = author?.role ?? (isComplete ? null : undefined);
    return actionsFor({ entry, room, abilities, me, authorRole });
  };

  const copy = async (text: string, what: string) => {
    const isCopied = await copyText(text);
    said.value = {
      text: isCopied ? `${what} copied.` : 'The browser does not let this page copy.',
    };
  };

  /** Does what was chosen, or opens what asks for more. Does nothing where it is not offered. */
  const act = (action: Action | 'menu', seq: number, anchor: DOMRect) => {
    acting.value = null;
    const entry = find(seq);
    if (!entry || (action !== 'menu' && !offered(entry).includes(action))) return;
    switch (action) {
      case 'reply':
        onReply(entry);
        return;
      case 'edit':
        editing.value = seq;
        return;
      case 'pin':
      case 'unpin':
        session.change(room.id, seq, { type: action });
        return;
      case 'unread':
        session.reading.markUnread(room.id, seq);
        said.value = { text: 'Marked as unread.' };
        return;
      case 'copy':
        void copy(entry.body, 'Text');
        return;
      case 'link':
        void copy(new URL(hashOf(seq), window.location.href).href, 'Link');
        return;
      case 'person':
        router.go(personHash(room.id, entry.user_id));
        return;
      case 'previews':
        session.change(room.id, seq, { type: 'remove_previews' });
        return;
      case 'thread':
        onThread(entry.thread ?? seq, entry.thread === null ? null : seq);
        return;
      default:
        acting.value = { what: action, seq, anchor };
    }
  };

  const hashOf = (seq: number) =>
    root === null ? messageHash(room.id, seq) : threadHash(room.id, root, seq);

  const react = (seq: number, emoji: string) => {
    acting.value = null;
    const entry = find(seq);
    if (!entry || entry.deleted || !abilities.react) return;
    const reaction = entry.reactions.find((one) => one.emoji === emoji);
    const type = reaction?.user_ids.includes(me) ? 'unreact' : 'react';
    session.change(room.id, seq, { type, emoji });
  };

  /** Sends what quotes a message into another room. */
  const forward = (to: Room, body: string) => {
    acting.value = null;
    session.say(to.id, body);
    said.value = { text: `Forwarded to ${session.titles.of(to)}.` };
  };

  /** The administrators have been told of a message. */
  const reported = () => {
    acting.value = null;
    said.value = { text: 'Reported. The administrators look at it.' };
  };

  /** Opens the pictures of the room at one of a message. */
  const show = (seq: number, file_id: string) => {
    acting.value = { what: 'pictures', seq, anchor: new DOMRect(), file_id };
  };

  /** Opens the picker of all emojis. */
  const pick = (seq: number, anchor: DOMRect) => {
    acting.value = { what: 'emoji', seq, anchor };
  };

  /** Deletes the message, after the question. Its button may be pressed twice before it is gone. */
  const remove = (seq: number) => {
    if (acting.peek()?.what !== 'delete') return;
    acting.value = null;
    if (editing.peek() === seq) stopEditing();
    session.change(room.id, seq, { type: 'delete' });
  };

  const save = (seq: number, body: string) => session.change(room.id, seq, { type: 'edit', body });

  const stopEditing = () => {
    const seq = editing.peek();
    if (seq !== null) session.drafts.set(draftOf(seq), '');
    editing.value = null;
  };

  /** The name of the draft that keeps an edit until it is saved. */
  const draftOf = (seq: number) => `edit ${room.id} ${timeline.peek().epoch} ${seq}`;

  const close = useCallback(() => {
    acting.value = null;
  }, []);

  return {
    ...{ acting, said, abilities, find, offered },
    ...{ act, react, forward, reported, show, pick, remove, save, stopEditing, draftOf, close },
  };
}
