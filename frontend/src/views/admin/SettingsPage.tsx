import { useState } from 'preact/hooks';
import type { Setting } from 'tailwire-client/wire/api/admin';
import { useAdmin } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';

const SOURCES: Record<Setting['source'], string> = {
  environment: 'set',
  default: 'default',
  derived: 'follows from others',
  store: 'made by the server, kept in the database',
};

/** The settings in force on the node that answers. They are changed where the server is started. */
export function SettingsPage() {
  const { api } = useAdmin();
  const { value, failed, again } = useLoaded(() => api.settings(), null);
  const [wanted, setWanted] = useState('');
  const items = value?.items.filter((setting) => isLike(setting, wanted)) ?? [];
  return (
    <>
      {failed && <LoadFailure error="The settings cannot be loaded." onAgain={again} />}
      {!failed && !value && <p role="status">Loading…</p>}
      {value && (
        <>
          <p class="form-note">
            They are environment variables of the server, and change when it is started again.
            Secrets are not shown.
          </p>
          {value.open_doors.length > 0 && (
            <div class="callout">
              <p>
                <strong>Open to strangers:</strong>
              </p>
              <ul class="admin-doors">
                {value.open_doors.map(({ what, remedy }) => (
                  <li key={what}>
                    {what}; <code>{remedy}</code> ends that
                  </li>
                ))}
              </ul>
            </div>
          )}
          <div class="field">
            <label for="setting-search">Find</label>
            <input
              id="setting-search"
              class="search"
              type="search"
              placeholder="Any part of a setting"
              onInput={(event) => setWanted(event.currentTarget.value)}
            />
          </div>
          <dl class="admin-settings">
            {items.map((setting) => (
              <div key={setting.name}>
                <dt>
                  <code>{setting.name}</code>{' '}
                  <span class={setting.set ? 'role admin-mark' : 'role'}>
                    {SOURCES[setting.source]}
                  </span>
                </dt>
                <dd class="admin-value">{valueText(setting)}</dd>
                <dd class="admin-item-detail">{setting.description.replaceAll('`', '')}</dd>
              </div>
            ))}
          </dl>
          <p role="status" class="browse-none admin-count">
            {items.length === 0 && 'No setting is like that.'}
          </p>
        </>
      )}
    </>
  );
}

function isLike({ name, description }: Setting, wanted: string): boolean {
  const text = wanted.trim().toLowerCase();
  return name.toLowerCase().includes(text) || description.toLowerCase().includes(text);
}

function valueText({ value, secret, set, source }: Setting): string {
  if (secret) return set || source === 'store' ? 'not shown' : 'none';
  if (value === null) return 'not set';
  if (Array.isArray(value)) return value.join(', ') || 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
