import { useEffect } from 'preact/hooks';
import { roomHash } from '../../browser/router';
import { timeIn } from '../../browser/zone';
import { type PersonAction, personActions } from '../../rooms/person_actions';
import { Avatar } from '../parts/Avatar';
import { BotMark } from '../parts/BotMark';
import { useApp, useSession } from '../parts/context';
import { Icon, type IconName } from '../parts/Icon';
import { ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import type { PersonProps } from './PersonDialog';
import { ROLE } from './Role';

const LOOKS: Record<PersonAction, { text: string; icon: IconName; isDanger?: boolean }> = {
  direct: { text: 'Write to them directly', icon: 'send' },
  mention: { text: 'Mention in this room', icon: 'mention' },
  role: { text: 'Change their role', icon: 'key' },
  remove: { text: 'Remove from this room', icon: 'leave', isDanger: true },
  ban: { text: 'Ban from this room', icon: 'lock', isDanger: true },
  messages: { text: 'Delete what they wrote', icon: 'bin', isDanger: true },
  block: { text: 'Block', icon: 'bellOff', isDanger: true },
  unblock: { text: 'Unblock', icon: 'bell' },
};

/** Who a person is, and what can be done with them. */
export function PersonCard({ room, profile, member, name, hook, onPage }: PersonProps) {
  const session = useSession();
  const { blocks, drafts, members, membership, presence, user_id: me } = session;
  const { router } = useApp();
  const { error, run } = useWork();
  const { id, username, status_text } = profile;
  const isBlocked = blocks.has(id);
  const actions = personActions({
    ...{ room, user_id: id, member, me, isBlocked, isDeaf: hook !== null },
    members: members.of(room.id)?.members ?? [],
    features: session.features.value,
  });
  useEffect(() => presence.show([id]), [presence, id]);
  const isOnline = presence.of(id) ?? profile.online;

  const openDirect = async () => {
    const direct = await membership.direct([id]);
    router.replace(roomHash(direct.id));
  };
  const mention = (dialog: HTMLDialogElement | null) => {
    const draft = drafts.peek(room.id);
    const space = draft === '' || /\s$/.test(draft) ? '' : ' ';
    drafts.set(room.id, `${draft}${space}@${username} `);
    router.replace(roomHash(room.id));
    // Closed before its view is gone, the dialog does not give the focus back.
    dialog?.close();
    document.querySelector<HTMLElement>('.place .composer textarea')?.focus();
  };
  const act = (action: PersonAction, button: HTMLElement) => {
    switch (action) {
      case 'direct':
        return run(openDirect);
      case 'mention':
        return mention(button.closest('dialog'));
      case 'unblock':
        return run(() => blocks.set(id, false));
      default:
        return onPage(action);
    }
  };

  return (
    <>
      <div class="person">
        <span class="member-avatar">
          <Avatar username={profile.is_bot ? name : username} id={id} avatar={profile.avatar} />
          {isOnline && <span class="online-dot" />}
        </span>
        <div class="person-lines">
          <p class="member-detail">
            <bdi class="username">@{username}</bdi>
            {profile.is_bot && <BotMark />}
            {isOnline && <span class="visually-hidden">, online</span>}
            {member && member.role !== 'member' && (
              <span class="role">{ROLE[member.role].title}</span>
            )}
          </p>
          {status_text && (
            <p class="person-status" dir="auto">
              {status_text}
            </p>
          )}
          <LocalTime zone={profile.time_zone ?? null} />
          <p class="person-note">
            {id === me && `This is you, ${name}.`}
            {id !== me && !member && 'Not a member of this room.'}
            {profile.is_bot && ' A program writes as this user.'}
            {hook && ' It only posts: nobody reads what is written to it.'}
            {isBlocked && ' You blocked them: what they write is hidden.'}
          </p>
        </div>
      </div>
      <ErrorLine text={error} />
      {actions.length > 0 && (
        <ul class="account-places">
          {actions.map((action) => {
            const { text, icon, isDanger } = LOOKS[action];
            return (
              <li key={action}>
                <WorkButton
                  class={isDanger ? 'account-place danger' : 'account-place'}
                  onPress={(button) => act(action, button)}
                >
                  <Icon name={icon} size={18} />
                  {text}
                </WorkButton>
              </li>
            );
          })}
        </ul>
      )}
    </>
  );
}

function LocalTime({ zone }: { zone: string | null }) {
  const { now } = useApp();
  const time = zone && timeIn(zone, now.minute.value);
  return time ? <p class="person-note">{time} where they are</p> : null;
}
