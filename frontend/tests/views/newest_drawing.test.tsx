// @vitest-environment happy-dom
import { Component, render } from 'preact';
import { useState } from 'preact/hooks';
import { expect, test } from 'vitest';
import { keepNewestDrawings } from '../../src/views/parts/newest_drawing';

const ROWS = 5;

/** A row that is drawn again only where it begins to lead, or no longer does. */
class Row extends Component<{ number: number; leads: boolean }> {
  override shouldComponentUpdate(next: { leads: boolean }): boolean {
    return next.leads !== this.props.leads;
  }

  override render() {
    return <p>{this.props.number}</p>;
  }
}

let scrollTo: (first: number) => void = () => {};

function List() {
  const [first, setFirst] = useState(0);
  scrollTo = setFirst;
  const numbers = Array.from({ length: ROWS }, (_, index) => first + index);
  return (
    <div>
      {numbers.map((number, index) => (
        <Row key={number} number={number} leads={index === 0} />
      ))}
    </div>
  );
}

/** The elements that are held in memory by what is drawn in a place. */
function held(place: Element): Set<Element> {
  const left: unknown[] = [(place as unknown as { __k: unknown }).__k];
  const seen = new Set<unknown>(left);
  const elements = new Set<Element>();
  while (left.length > 0) {
    const one = left.pop();
    if (one instanceof Element) elements.add(one);
    else
      for (const value of Object.values(one as object)) {
        if (typeof value !== 'object' || value === null || seen.has(value)) continue;
        seen.add(value);
        left.push(value);
      }
  }
  return elements;
}

test.each([
  ['alone', <List key="a" />],
  ['beside others', [<p key="a">above</p>, <List key="b" />]],
])('a list %s holds no row that it has taken out of the document', async (_, children) => {
  keepNewestDrawings();
  const place = document.body.appendChild(document.createElement('div'));
  render(<section>{children}</section>, place);
  for (let first = 1; first < 20; first++) {
    scrollTo(first);
    await Promise.resolve();
    expect(place.querySelector('section > div > p')?.textContent).toBe(String(first));
  }
  const detached = [...held(place)].filter((one) => !one.isConnected);
  expect(detached.map(({ textContent }) => textContent)).toEqual([]);
});
