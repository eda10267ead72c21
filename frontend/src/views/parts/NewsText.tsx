import type { NewsItem } from '../../rooms/news';
import { Name } from './Name';

/** What happened to the user's membership, and by whom. */
export function NewsText({ item }: { item: NewsItem }) {
  const room = <bdi>{item.name}</bdi>;
  const by = item.by && <Name of={item.by} />;
  switch (item.what) {
    case 'added':
      return by ? (
        <>
          {by} added you to {room}.
        </>
      ) : (
        <>You are a member of {room} now.</>
      );
    case 'removed':
      return by ? (
        <>
          {by} removed you from {room}.
        </>
      ) : (
        <>You were removed from {room}.</>
      );
    case 'banned':
      return by ? (
        <>
          {by} banned you from {room}.
        </>
      ) : (
        <>You were banned from {room}.</>
      );
    case 'deleted':
      return by ? (
        <>
          {by} deleted {room}, with all that was written in it.
        </>
      ) : (
        <>{room} was deleted, with all that was written in it.</>
      );
    case 'webhook':
      return (
        <>A webhook of {room} is paused, because its receiver takes nothing. It keeps its place.</>
      );
    case 'left':
      return <>You left {room}.</>;
    case 'gone':
      return <>You are no longer a member of {room}.</>;
  }
}
