import type { RefObject } from 'preact';
import type { InviteTerms } from 'tailwire-client/wire/protocol';
import { mediumTime } from '../../browser/time';
import { WorkButton } from './WorkButton';

interface InviteItemProps {
  invite: InviteTerms;
  /** What newcomers become, where it is worth a word. */
  becomes: string | null;
  /** The list, which takes the focus when the line goes. */
  list: RefObject<HTMLElement | null>;
  onEnd(): Promise<unknown>;
}

/** One line of a list of invitations, with a button that ends it. */
export function InviteItem({ invite, becomes, list, onEnd }: InviteItemProps) {
  const { max_uses, uses_left, created_at, expires_at } = invite;
  const isOver = expires_at !== null && Date.parse(expires_at) <= Date.now();
  const state = isOver
    ? 'Expired'
    : uses_left === 0
      ? 'Used up'
      : `${uses_left} of ${max_uses} left${expires_at ? `, until ${mediumTime(expires_at)}` : ''}`;
  return (
    <li class="login">
      <div class="login-text">
        <p class="login-name">
          {max_uses === 1 ? 'For one person' : `For ${max_uses} people`}{' '}
          {becomes && <span class="role">{becomes}</span>}
        </p>
        <p class="login-detail">
          {state}. Made {mediumTime(created_at)}
        </p>
      </div>
      <WorkButton
        class="button small"
        label={`End the invitation made ${mediumTime(created_at)}`}
        heir={list}
        onPress={onEnd}
      >
        End
      </WorkButton>
    </li>
  );
}
