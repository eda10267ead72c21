import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { OUTDATED } from 'tailwire-client/wire/close_codes';
import type { Connection, ConnectionState } from 'tailwire-client/wire/connection';
import { Icon } from '../parts/Icon';

// A shorter interruption is not shown.
const QUIET_MILLISECONDS = 1_000;

interface ConnectionBannerProps {
  connection: Connection;
  /** The server has a newer build of this page. */
  outdated: boolean;
}

/**
 * Says what is wrong with the connection and when the next attempt is. A button makes it at once.
 */
export function ConnectionBanner({ connection, outdated }: ConnectionBannerProps) {
  const state = connection.state.value;
  const troubled = state.phase !== 'live';
  const urgent = state.phase === 'stopped' || (state.phase === 'waiting' && state.browser_offline);
  const [patient, setPatient] = useState(true);

  useEffect(() => {
    if (!troubled) return;
    const timer = setTimeout(() => setPatient(false), QUIET_MILLISECONDS);
    return () => {
      clearTimeout(timer);
      setPatient(true);
    };
  }, [troubled]);

  const shown = troubled && (urgent || !patient);
  return (
    <div class="banner-place" role="status">
      {shown ? (
        <Banner look={state.phase} remedy={<Remedy state={state} connection={connection} />}>
          {words(state)}{' '}
          {state.phase === 'waiting' && !state.browser_offline && (
            <Countdown until={state.retry_at} />
          )}
        </Banner>
      ) : (
        outdated && (
          <Banner look="outdated" remedy={<Reload />}>
            {OUTDATED}
          </Banner>
        )
      )}
    </div>
  );
}

interface BannerProps {
  look: string;
  remedy: ComponentChildren;
  children: ComponentChildren;
}

function Banner({ look, remedy, children }: BannerProps) {
  return (
    <div class={`banner ${look}`}>
      <Icon name="warning" size={18} />
      <p class="banner-words">{children}</p>
      {remedy}
    </div>
  );
}

function Reload() {
  return (
    <button type="button" class="button small" onClick={() => window.location.reload()}>
      Reload
    </button>
  );
}

function Remedy({ state, connection }: { state: ConnectionState; connection: Connection }) {
  if (state.phase === 'waiting')
    return (
      <button type="button" class="button small" onClick={() => connection.tryNow()}>
        Try now
      </button>
    );
  if (state.phase !== 'stopped') return null;
  return state.code === 4502 ? (
    <button type="button" class="button small" onClick={() => connection.tryNow()}>
      Use it here
    </button>
  ) : (
    <Reload />
  );
}

function words(state: ConnectionState): string {
  switch (state.phase) {
    case 'waiting':
      return state.browser_offline
        ? 'You are offline. What you write is sent when you are back.'
        : state.text;
    case 'stopped':
      return state.text;
    default:
      return 'Connecting…';
  }
}

/** A countdown. Screen readers skip it, because they would read every second aloud. */
function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  return (
    <span class="banner-countdown" aria-hidden="true">
      {seconds > 0 ? `Reconnecting in ${seconds} s` : 'Reconnecting…'}
    </span>
  );
}

const CHIP = {
  connecting: 'Connecting',
  live: 'Live',
  waiting: 'Offline',
  stopped: 'Disconnected',
};

/** The state of the connection in one word. */
export function ConnectionChip({ connection }: { connection: Connection }) {
  const { phase } = connection.state.value;
  return <span class={`chip ${phase}`}>{CHIP[phase]}</span>;
}
