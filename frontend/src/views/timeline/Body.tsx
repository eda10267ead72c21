import { type ComponentChildren, Fragment, type VNode } from 'preact';
import { splitLinks } from '../../browser/text';
import { isFewEmoji, mayHoldMarkup } from '../../formatting/markup';
import type { Block, Inline, Row } from '../../formatting/nodes';
import { useApp } from '../parts/context';
import { CodeBlock } from './CodeBlock';
import { shaped } from './shaped';

interface BodyProps {
  text: string;
  /** Whom the message mentions. */
  mentions?: Mentions | undefined;
  /** Makes other nodes of those of the message. */
  change?(blocks: readonly Block[]): readonly Block[];
}

/** Who is meant by a name in a message. */
export interface Mentioned {
  /** The name that is shown. */
  name: string;
  /** The reader is meant. */
  isMe: boolean;
  /** The address of the card about who is meant; null where it is everybody. */
  href: string | null;
}

/** Whom the message mentions by a username in lower case, or by `room`; null where it is nobody. */
export type Mentions = (username: string) => Mentioned | null;

/** What the nodes do not say: which names are those of emoji, and which of people. */
interface Known {
  emoji(name: string): string | null;
  mentions: Mentions;
}

/**
 * The text of a message, drawn from the nodes that its markup makes. It is never parsed as HTML.
 * Until the parser is loaded it is shown as it was written.
 */
export function Body({ text, mentions = () => null, change }: BodyProps) {
  const { formatter, emoji } = useApp();
  const known = { emoji: (name: string) => emoji.value?.named(name) ?? null, mentions };
  const read = (mayHoldMarkup(text) && formatter.value?.blocks(text)) || [plain(text)];
  const blocks = change?.(read) ?? read;
  const only = blocks.length === 1 && blocks[0]?.kind === 'paragraph' ? blocks[0].children : null;
  const isLarge = only && isFewEmoji(textOf(only, known));
  return (
    <div class={isLarge ? 'body few-emoji' : 'body'} dir="auto">
      {only ? inlines(only, known) : drawn(blocks, known, 'auto')}
    </div>
  );
}

/** The text as it was written, with the addresses in it as links. */
function plain(text: string): Block {
  const children = splitLinks(text).map(
    ({ text, href }): Inline => (href ? { kind: 'link', href, children: [text] } : text),
  );
  return { kind: 'paragraph', children };
}

/** The text of nodes that are nothing but text and emoji; empty where there is more. */
function textOf(nodes: readonly Inline[], known: Known): string {
  const texts = nodes.map((node) => {
    if (typeof node === 'string') return node;
    return node.kind === 'name' ? known.emoji(node.name) : null;
  });
  return texts.includes(null) ? '' : texts.join('');
}

/** Blocks within a block have no direction of their own: it decides where marks and lines stand. */
function drawn(blocks: readonly Block[], known: Known, dir?: 'auto'): ComponentChildren {
  return blocks.map((block, index) => drawnBlock(block, index, known, dir));
}

function drawnBlock(
  block: Block,
  index: number,
  known: Known,
  dir: 'auto' | undefined,
): ComponentChildren {
  switch (block.kind) {
    case 'paragraph':
      return (
        <p key={index} dir={dir}>
          {inlines(block.children, known)}
        </p>
      );
    case 'code':
      return <CodeBlock key={index} language={block.language} text={block.text} />;
    case 'quote':
      return (
        <blockquote key={index} dir={dir}>
          {inner(block.children, known)}
        </blockquote>
      );
    case 'list': {
      const List = block.items[0]?.number === null ? 'ul' : 'ol';
      return (
        <List key={index} dir={dir}>
          {block.items.map(({ number, children }, at) => (
            <li key={at} value={number ?? undefined}>
              {inner(children, known)}
            </li>
          ))}
        </List>
      );
    }
    case 'table':
      return <Table key={index} table={block} known={known} />;
  }
}

/** A single paragraph needs no element of its own. */
function inner(blocks: readonly Block[], known: Known): ComponentChildren {
  const [first, second] = blocks;
  if (first?.kind === 'paragraph' && second?.kind !== 'paragraph')
    return [inlines(first.children, known), drawn(blocks.slice(1), known)];
  return drawn(blocks, known);
}

interface TableProps {
  table: Extract<Block, { kind: 'table' }>;
  known: Known;
}

function Table({ table: { columns, head, rows }, known }: TableProps) {
  const cells = (row: Row, Cell: 'th' | 'td') =>
    row.map((cell, index) => (
      <Cell key={index} class={columns[index] ? `to-${columns[index]}` : undefined}>
        {inlines(cell, known)}
      </Cell>
    ));
  return (
    // A page may have many, so it is no landmark.
    // biome-ignore lint/a11y/useSemanticElements: no group of fields
    <div
      role="group"
      class="body-table"
      dir="auto"
      aria-label="Table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide one scrolls, so the keyboard must reach it
      tabIndex={0}
    >
      <table>
        <thead>
          <tr>{cells(head, 'th')}</tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>{cells(row, 'td')}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const TAGS = {
  emphasis: 'em',
  strong: 'strong',
  struck: 'del',
  found: 'mark',
  sample: 'code',
} as const;

function inlines(nodes: readonly Inline[], known: Known): ComponentChildren {
  const children: (string | VNode)[] = [];
  for (const node of nodes) {
    const child = drawnInline(node, children.length, known);
    const last = children.at(-1);
    // The browser lays out one text faster than many.
    if (typeof child === 'string' && typeof last === 'string') children.splice(-1, 1, last + child);
    else children.push(child);
  }
  return children.map((child) => (typeof child === 'string' ? shaped(child) : child));
}

function drawnInline(node: Inline, index: number, known: Known): string | VNode {
  if (typeof node === 'string') return node;
  switch (node.kind) {
    case 'code':
      return (
        <code key={index} dir="auto">
          {shaped(node.text)}
        </code>
      );
    case 'link':
      return (
        <Link key={index} href={node.href}>
          {inlines(node.children, known)}
        </Link>
      );
    case 'name':
      return known.emoji(node.name) ?? `:${node.name}:`;
    case 'mention':
      return mention(node.name, known.mentions, index);
    default: {
      const Tag = TAGS[node.kind];
      return <Tag key={index}>{inlines(node.children, known)}</Tag>;
    }
  }
}

function Link({ href, children }: { href: string; children: ComponentChildren }) {
  const [label] = Array.isArray(children) ? children : [];
  // The direction of an address is its own, or right-to-left text would tear it apart.
  const isAddress = typeof label === 'string' && /^https?:/i.test(label);
  const isHere = href.startsWith(`${window.location.origin}/#`);
  return (
    <a
      href={href}
      dir={isAddress ? 'ltr' : 'auto'}
      // Who does not see the address sees it here.
      title={isAddress ? undefined : href}
      tabIndex={-1}
      // A place of this app is shown in this window.
      target={isHere ? undefined : '_blank'}
      rel="noopener noreferrer nofollow"
    >
      {children}
    </a>
  );
}

// From the last dots, dashes and underscores on.
const LAST_PART = /[._-]+[^._-]*$/;

function mention(name: string, mentions: Mentions, key: number): string | VNode {
  // "@ann.or" may mention Ann. The longest name counts, as on the server (mention_finder.py).
  for (let end = name.length; end > 0; end = name.slice(0, end).search(LAST_PART)) {
    const username = name.slice(0, end);
    const who = mentions(username.normalize('NFKC').toLowerCase());
    if (who)
      return (
        <Fragment key={key}>
          <Mention who={who} title={`@${username}`} />
          {name.slice(end)}
        </Fragment>
      );
  }
  return `@${name}`;
}

function Mention({ who, title }: { who: Mentioned; title: string }) {
  const look = { class: who.isMe ? 'mention mine' : 'mention', title };
  const name = (
    <>
      @<bdi>{who.name}</bdi>
    </>
  );
  if (who.href === null) return <span {...look}>{name}</span>;
  return (
    <a {...look} href={who.href} tabIndex={-1}>
      {name}
    </a>
  );
}
