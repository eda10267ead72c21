/** Draws a pulse that runs along a wire and ends in a spark. */
export function Logo({ size }: { size: number }) {
  return (
    <svg class="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-ground" width="32" height="32" rx="8" />
      <path
        class="logo-wire"
        d="M4.5 20h4.3c2.2 0 3-1.4 3.7-4 .8-3 1.5-5.5 3.5-5.500s2.7 2.5 3.5 5.500c.5 2 1.1 3.3 2.5 3.8"
      />
      <circle class="logo-spark" cx="25.2" cy="20" r="2.8" />
    </svg>
  );
}
