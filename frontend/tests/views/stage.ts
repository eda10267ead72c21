import { render } from 'preact';
import { afterEach, beforeEach } from 'vitest';

/** Where the tests of a file render: an element of the document, which each test gets anew. */
export let root: HTMLElement;

beforeEach(() => {
  root = document.createElement('div');
  document.body.append(root);
});

afterEach(() => {
  render(null, root);
  root.remove();
});
