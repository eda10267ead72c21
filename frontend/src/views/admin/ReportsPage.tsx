import { useEffect, useState } from 'preact/hooks';
import type { Report, ReportState } from 'tailwire-client/wire/api/admin';
import { messageHash, personHash } from '../../browser/router';
import { mediumTime } from '../../browser/time';
import { useAdmin, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Icon, type IconName } from '../parts/Icon';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';
import { MoreButton } from '../parts/MoreButton';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { Select } from '../parts/Select';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

const STATES = [
  { value: 'open', label: 'Open' },
  { value: 'closed', label: 'Closed' },
  { value: '', label: 'All' },
];

/** The messages that users reported. Each opens a dialog that shows the message. */
export function ReportsPage() {
  const { reports } = useAdmin();
  const [open, setOpen] = useState<string | null>(null);
  useEffect(() => reports.choose('open'), [reports]);
  const items = reports.items.value;
  const state = reports.state.value;
  const opened = items.find(({ id }) => id === open);
  return (
    <>
      <div class="admin-filters">
        <Select
          label="Show"
          initial="open"
          options={STATES}
          onChoose={(value) => reports.choose((value || null) as ReportState | null)}
        />
      </div>
      {state === 'failed' && (
        <LoadFailure error={reports.error.value} onAgain={() => void reports.load()} />
      )}
      <ul class="admin-list" aria-label="Reports" aria-busy={state === 'loading'}>
        {items.map((report) => (
          <li key={report.id}>
            <button type="button" class="admin-item" onClick={() => setOpen(report.id)}>
              <span class="admin-item-text">
                <span class="admin-item-name">
                  <bdi>{report.reason}</bdi>
                </span>
                <span class="admin-item-detail">
                  <Where report={report} />, by <Reporter report={report} />,{' '}
                  {mediumTime(report.at)}
                </span>
              </span>
              {report.state === 'closed' && <span class="role">closed</span>}
            </button>
          </li>
        ))}
      </ul>
      <p role="status" class="browse-none admin-count">
        {state === 'loading' && items.length === 0 && 'Loading…'}
        {state === 'loaded' && items.length === 0 && 'There are no such reports.'}
      </p>
      <MoreButton list={reports}>Show older ones</MoreButton>
      {opened && <ReportDialog report={opened} onClose={() => setOpen(null)} />}
    </>
  );
}

function ReportDialog({ report, onClose }: { report: Report; onClose(): void }) {
  const { api, reports } = useAdmin();
  const { rooms } = useSession();
  const { value, failed, again } = useLoaded(() => api.report(report.id), report.id);
  const { error, done, run } = useWork();
  const isMember = rooms.get(report.room_id) !== undefined;
  const isOpen = report.state === 'open';
  const next = isOpen ? 'closed' : 'open';
  return (
    <Dialog title="Reported message" onClose={onClose}>
      <dl class="admin-facts">
        <div>
          <dt>Reason</dt>
          <dd>
            <bdi>{report.reason}</bdi>
          </dd>
        </div>
        <div>
          <dt>Room</dt>
          <dd>
            <Where report={report} />
          </dd>
        </div>
        <div>
          <dt>Reported by</dt>
          <dd>
            <Reporter report={report} />, {mediumTime(report.at)}
          </dd>
        </div>
      </dl>
      {failed && <LoadFailure error="The message cannot be loaded." onAgain={again} />}
      {!failed && !value && <p role="status">Loading…</p>}
      {value?.message && !value.message.deleted ? (
        <figure class="reported">
          <figcaption class="admin-item-detail">
            <bdi>@{value.message.username}</bdi>, {mediumTime(value.message.at)}
          </figcaption>
          <blockquote dir="auto">{value.message.body}</blockquote>
        </figure>
      ) : (
        value && <p class="form-note">The message is not there any more.</p>
      )}
      <ul class="account-places">
        {value?.message && isMember && (
          <Place icon="reply" href={messageHash(report.room_id, report.seq)}>
            Show it in the room
          </Place>
        )}
        {value?.message && isMember && (
          <Place icon="lock" href={personHash(report.room_id, value.message.user_id)}>
            What can be done with who wrote it
          </Place>
        )}
        {value?.message && (
          <Place icon="people" href={`#/admin/accounts/${value.message.user_id}`}>
            The account of who wrote it
          </Place>
        )}
        {report.room_name !== null && (
          <Place icon="hash" href={`#/admin/rooms/${report.room_id}`}>
            The room
          </Place>
        )}
      </ul>
      <p class="form-note">That you read it is in the audit log.</p>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      <div class="form-actions">
        <WorkButton
          class="button primary"
          onPress={() =>
            run(
              () => reports.set(report.id, next),
              isOpen ? 'The report is closed.' : 'The report is open again.',
            )
          }
        >
          {isOpen ? 'Close the report' : 'Open it again'}
        </WorkButton>
      </div>
    </Dialog>
  );
}

interface PlaceProps {
  icon: IconName;
  href: string;
  children: string;
}

function Place({ icon, href, children }: PlaceProps) {
  return (
    <li>
      <a class="account-place" href={href}>
        <Icon name={icon} size={18} />
        {children}
      </a>
    </li>
  );
}

function Where({ report }: { report: Report }) {
  return report.room_name === null ? <>a room that is gone</> : <bdi>{report.room_name}</bdi>;
}

function Reporter({ report }: { report: Report }) {
  return report.reporter ? <bdi>@{report.reporter.username}</bdi> : <>somebody who is gone</>;
}
