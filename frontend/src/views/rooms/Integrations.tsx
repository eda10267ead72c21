import { useState } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import { Webhooks as WebhookList } from '../../rooms/webhooks';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Hooks } from './Hooks';
import { WebhookPage } from './WebhookPage';
import { Webhooks } from './Webhooks';

interface IntegrationsProps {
  room: Room;
  /** The webhook whose page is shown first. */
  webhook_id?: string | null;
  onClose(): void;
}

/** Which programs are connected with a room. Every member sees them. */
export function Integrations({ room, webhook_id = null, onClose }: IntegrationsProps) {
  const { features, requests } = useSession();
  const [webhooks] = useState(() => new WebhookList(requests, room.id));
  const [managed, setManaged] = useState(webhook_id);
  const [notice, setNotice] = useState('');
  const webhook = webhooks.items.value.find(({ webhook_id }) => webhook_id === managed);
  const toList = (said = '') => {
    setManaged(null);
    setNotice(said);
  };
  if (webhook)
    return (
      <Dialog title={`The webhook to ${webhook.host}`} onClose={onClose} onBack={() => toList()}>
        <WebhookPage
          {...{ room, webhooks, webhook }}
          onEnded={() => toList(`The webhook to ${webhook.host} is ended.`)}
        />
      </Dialog>
    );
  return (
    <Dialog title="Integrations" onClose={onClose}>
      {features.value.has('hooks') && <Hooks room={room} />}
      {features.value.has('webhooks') && (
        <Webhooks
          {...{ room, webhooks, notice }}
          onManage={({ webhook_id }) => setManaged(webhook_id)}
        />
      )}
    </Dialog>
  );
}
