import { useState } from 'preact/hooks';
import { DISPLAY_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { Avatar } from '../parts/Avatar';
import { AvatarField } from '../parts/AvatarField';
import { useAccount, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { Icon } from '../parts/Icon';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import { ConsumerList } from './ConsumerList';
import { TokenList } from './TokenList';

interface BotPageProps {
  bot: PublicUser;
  /** Tells what was done last. */
  notice: string;
  onClose(): void;
  onBack(): void;
  onRenamed(bot: PublicUser): void;
  onToken(): void;
  onErased(): void;
}

/** One bot of the user: its name, its tokens, and its end. */
export function BotPage(props: BotPageProps) {
  const { bot, onClose } = props;
  const [isErasing, setIsErasing] = useState(false);
  if (isErasing)
    return (
      <Dialog title={`Delete ${bot.username}`} onClose={onClose} onBack={() => setIsErasing(false)}>
        <EraseBot bot={bot} onKeep={() => setIsErasing(false)} onErased={props.onErased} />
      </Dialog>
    );
  return (
    <Dialog title={`The bot ${bot.username}`} onClose={onClose} onBack={props.onBack}>
      <DoneLine text={props.notice} />
      <BotPicture bot={bot} />
      <BotName key={bot.display_name} bot={bot} onRenamed={props.onRenamed} />
      <h3 class="invites-heading">Its tokens</h3>
      <TokenList of={bot.id} />
      <button type="button" class="button wide" onClick={props.onToken}>
        Make a token
      </button>
      <ConsumerList of={bot.id} heading="Its consumers" />
      <ul class="account-places">
        <li>
          <button type="button" class="account-place danger" onClick={() => setIsErasing(true)}>
            <Icon name="bin" size={18} />
            Delete this bot
          </button>
        </li>
      </ul>
    </Dialog>
  );
}

function BotPicture({ bot }: { bot: PublicUser }) {
  const { features, names } = useSession();
  if (!features.value.has('files')) return null;
  return (
    <div class="account-who">
      <Avatar {...bot} />
      <AvatarField<PublicUser>
        of={`@${bot.username}`}
        path={`bots/${encodeURIComponent(bot.id)}/avatar`}
        avatar={names.avatarOf(bot.id) ?? bot.avatar}
        onChanged={(now) => names.learn(now.id, now.display_name, now.avatar)}
      />
    </div>
  );
}

function BotName({ bot, onRenamed }: { bot: PublicUser; onRenamed(bot: PublicUser): void }) {
  const { programs } = useAccount();
  const form = useForm({
    names: ['display_name'],
    limits: { display_name: DISPLAY_NAME_CHARACTERS },
    check: (fields) => wrongIf(!nameIn(fields.display_name), 'display_name', 'Enter a name.'),
    send: async (fields) =>
      onRenamed(await programs.renameBot(bot.id, nameIn(fields.display_name))),
  });
  return (
    <FormCard form={form} send="Save name" sending="Saving…">
      <Field
        label="Display name"
        {...form.field('display_name')}
        initial={bot.display_name}
        hint={
          <>
            How others see <bdi>@{bot.username}</bdi>.
          </>
        }
      />
    </FormCard>
  );
}

interface EraseBotProps {
  bot: PublicUser;
  onKeep(): void;
  onErased(): void;
}

function EraseBot({ bot, onKeep, onErased }: EraseBotProps) {
  const { programs } = useAccount();
  const { error, run } = useWork();
  return (
    <>
      <p class="callout danger">
        <strong>This cannot be undone.</strong> Its tokens end, it leaves every room, and what it
        wrote is deleted or, if this server keeps it, no longer bears its name.
      </p>
      <ErrorLine text={error} />
      <div class="form-actions">
        <button type="button" class="button" onClick={onKeep}>
          Keep the bot
        </button>
        <WorkButton
          class="button danger"
          doing="Deleting…"
          onPress={async () => {
            if (await run(() => programs.eraseBot(bot.id))) onErased();
          }}
        >
          Delete the bot
        </WorkButton>
      </div>
    </>
  );
}
