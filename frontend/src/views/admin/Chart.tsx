const WIDTH = 300;
const HEIGHT = 72;
// A line at the upper edge would look as if it were cut off.
const HEADROOM = 1.15;

interface ChartProps {
  title: string;
  /** The oldest first. Times are milliseconds. */
  points: readonly { at: number; value: number }[];
  /** A value with its unit. */
  text(value: number): string;
}

/** A small picture of a value over the time that the page has watched it, with what it shows in words. */
export function Chart({ title, points, text }: ChartProps) {
  const values = points.map(({ value }) => value);
  const last = values.at(-1) ?? 0;
  const least = Math.min(...values, last);
  const most = Math.max(...values, last);
  const begin = points.at(0)?.at ?? 0;
  const span = Math.max(1, (points.at(-1)?.at ?? 0) - begin);
  // The axis begins at 0, so that a small change does not look like a large one.
  const scale = Math.max(1, most * HEADROOM);
  const place = ({ at, value }: { at: number; value: number }) => {
    const x = points.length > 1 ? ((at - begin) / span) * WIDTH : 0;
    return `${x.toFixed(1)},${(HEIGHT - (value / scale) * HEIGHT).toFixed(1)}`;
  };
  const places = points.map(place);
  const end = `${WIDTH},${HEIGHT - (last / scale) * HEIGHT}`;
  const line = [...places, end].join(' ');
  const words = `${title}: ${text(last)} now, between ${text(least)} and ${text(most)} in ${spanText(span)}.`;
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-now">{text(last)}</span>
      </figcaption>
      <svg
        viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        <polygon class="chart-area" points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
        <polyline class="chart-line" points={line} />
      </svg>
      <p class="chart-foot" aria-hidden="true">
        <span>{spanText(span)}</span>
        <span>at most {text(most)}</span>
      </p>
    </figure>
  );
}

/** "the last 3 minutes". */
function spanText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return 'the last minute';
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? 'the last minute' : `the last ${minutes} minutes`;
}
