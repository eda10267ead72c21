import { Icon } from './Icon';

/** The head of a place that is no room: its name, and on a phone the way back. */
export function PlaceHead({ children }: { children: string }) {
  return (
    <header class="place-head">
      <a class="icon-button back" href="#/" aria-label="Back to your rooms">
        <Icon name="back" />
      </a>
      <h1 tabIndex={-1} data-place-heading>
        {children}
      </h1>
    </header>
  );
}
