import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Hook, MadeHook } from 'tailwire-client/wire/hooks';
import { DISPLAY_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import type { Room } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { ago, fullTime, mediumTime } from '../../browser/time';
import { mayManageHooks } from '../../rooms/governing';
import { Hooks as HookList } from '../../rooms/hooks';
import { useApp, useSession } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { SureButton } from '../parts/SureButton';
import { useWork } from '../parts/work';
import { HookAddress } from './HookAddress';

/** The hooks of a room: a list for its members, and for those who may the ways to make and end them. */
export function Hooks({ room }: { room: Room }) {
  const { requests } = useSession();
  const [hooks] = useState(
    () => new HookList(requests, room.id, new URL('.', window.location.href).href),
  );
  const [made, setMade] = useState<MadeHook | null>(null);
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  const heading = useId();
  useEffect(() => void hooks.load(), [hooks]);
  const mayManage = mayManageHooks(room);
  const items = hooks.items.value;
  const state = hooks.state.value;
  const end = ({ hook_id, name }: Hook) =>
    run(async () => {
      await hooks.end(hook_id);
      if (made?.hook_id === hook_id) setMade(null);
    }, `${name} is ended. Nothing more can be posted to its address.`);
  return (
    <section class="integration-kind" aria-labelledby={heading}>
      <h3 id={heading}>Incoming hooks</h3>
      <p class="form-note">
        A hook is an address at which a program posts into this room, as it would into Slack.
      </p>
      {mayManage &&
        (made ? (
          <HookAddress key={made.hook_id} hook={made} onAnother={() => setMade(null)} />
        ) : (
          <NewHook hooks={hooks} onMade={setMade} />
        ))}
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {state === 'failed' && (
        <LoadFailure error={hooks.error.value} onAgain={() => void hooks.load()} />
      )}
      {state === 'loaded' && items.length === 0 && <p class="form-note">This room has no hooks.</p>}
      <ul class="logins" ref={list} tabIndex={-1} aria-labelledby={heading}>
        {items.map((hook) => (
          <li class="login" key={hook.hook_id}>
            <HookText hook={hook} />
            {mayManage && (
              <SureButton
                class="button small"
                sure="Really end?"
                label={`End the hook ${hook.name}`}
                heir={list}
                onPress={() => end(hook)}
              >
                End
              </SureButton>
            )}
          </li>
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      <MoreButton list={hooks}>Show more</MoreButton>
    </section>
  );
}

function HookText({ hook: { name, made_by, created_at, last_used_at } }: { hook: Hook }) {
  const { now } = useApp();
  const { names } = useSession();
  const maker = names.of({ user_id: made_by, username: '' });
  return (
    <div class="login-text">
      <p class="login-name">
        <bdi>{name}</bdi>
      </p>
      <p class="login-detail">
        Made {mediumTime(created_at)}
        {maker && (
          <>
            {' '}
            by <bdi>{maker}</bdi>
          </>
        )}
      </p>
      <p class="login-detail" title={last_used_at ? fullTime(last_used_at) : undefined}>
        {last_used_at ? `Last posted ${ago(last_used_at, now.minute.value)}` : 'Never posted'}
      </p>
    </div>
  );
}

function NewHook({ hooks, onMade }: { hooks: HookList; onMade(hook: MadeHook): void }) {
  const form = useForm({
    names: ['name'],
    limits: { name: DISPLAY_NAME_CHARACTERS },
    check: ({ name }) => wrongIf(!nameIn(name), 'name', 'Give the hook a name.'),
    send: async ({ name }) => onMade(await hooks.make(nameIn(name))),
  });
  return (
    <FormCard form={form} send="Make a hook" sending="Making…">
      <Field
        label="Name of a new hook"
        {...form.field('name')}
        hint="Its messages are shown under this name, unless they say another one."
      />
    </FormCard>
  );
}
