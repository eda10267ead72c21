import { useApp } from '../parts/context';
import { Logo } from '../parts/Logo';

/** Shown while the page restores the sign-in after a reload. */
export function Splash({ failed }: { failed: boolean }) {
  const { auth } = useApp();
  return (
    <main class="splash" aria-busy={!failed}>
      <Logo size={56} />
      <h1 class="visually-hidden">Tailwire</h1>
      {failed ? (
        <>
          <p role="status">The server cannot be reached. Trying again by itself…</p>
          <div class="row">
            <button type="button" class="button primary" onClick={() => void auth.restore()}>
              Try now
            </button>
            <button type="button" class="button" onClick={() => auth.end(null)}>
              Log in again
            </button>
          </div>
        </>
      ) : (
        <p class="visually-hidden">Loading</p>
      )}
    </main>
  );
}
