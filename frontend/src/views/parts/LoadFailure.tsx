/** Says that a list could not be loaded, and why. */
export function LoadFailure({ error, onAgain }: { error: string; onAgain(): void }) {
  return (
    <p class="callout danger" role="alert">
      {error}{' '}
      <button type="button" class="link-button" onClick={onAgain}>
        Try again
      </button>
    </p>
  );
}
