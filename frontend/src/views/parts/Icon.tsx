const PATHS = {
  back: 'M15 5l-7 7 7 7',
  bin: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  check: 'M5 12.500l4.500 4.500L19 7',
  close: 'M6 6l12 12M18 6L6 18',
  compass: 'M12 21a9 9 0 100-18 9 9 0 000 18zM15.5 8.500l-2 5-5 2 2-5z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  down: 'M12 5v14M6 13l6 6 6-6',
  hash: 'M9.5 4L7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16',
  key: 'M7.5 16.500a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM12 12h9.500M17 12v3.500M21 12v3',
  leave: 'M14 5h5v14h-5M10 8l-4 4 4 4M6 12h9',
  link: 'M10 14a4 4 0 005.7 0l3.1-3.100a4 4 0 00-5.7-5.700l-1 1M14 10a4 4 0 00-5.7 0l-3.1 3.100a4 4 0 005.7 5.700l1-1',
  lock: 'M7 11V8a5 5 0 0110 0v3M6 11h12v9H6z',
  monitor: 'M3 5h18v11H3zM8 20h8M12 16v4',
  more: 'M5.5 11.500a.5.5 0 100 1 .5.5 0 000-1zM12 11.500a.5.5 0 100 1 .5.5 0 000-1zM18.5 11.500a.5.5 0 100 1 .5.5 0 000-1z',
  moon: 'M20 14.500A8.5 8.5 0 019.5 4a8.5 8.5 0 1010.5 10.500z',
  people:
    'M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c0-3.5 3-5.5 6.5-5.500s6.5 2 6.5 5.500M16 4.500a3.5 3.5 0 010 6.500M18 14.800c2 .7 3.5 2.5 3.5 5.2',
  pencil: 'M4 20l1-5L16 4l4 4L9 19zM13.5 6.500l4 4',
  pin: 'M9 4h6l-1 6 3.500 3.500h-11L10 10zM12 13.500V20',
  plus: 'M12 5v14M5 12h14',
  reply: 'M10 8V4l-7 7 7 7v-4c5 0 8.5 1.5 11 5-1-6-4-10-11-11z',
  retry: 'M20 5v5h-5M4 19v-5h5M19.5 10A8 8 0 006 6.500L4 8.500M4.5 14A8 8 0 0018 17.500l2-2',
  send: 'M4 12l16-8-6 16-3-6.500z',
  settings: 'M12 12.500a4 4 0 100-8 4 4 0 000 8zM4.5 20.500c.6-3.3 3.7-5 7.5-5s6.9 1.7 7.5 5',
  smile:
    'M12 21a9 9 0 100-18 9 9 0 000 18zM8 14c.8 1.700 2.200 2.600 4 2.600s3.200-.9 4-2.600M9 9v1M15 9v1',
  sun: 'M12 16.500a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.500M17.5 17.500L19 19M19 5l-1.5 1.500M6.5 17.500L5 19',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17.200v.3',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon is decoration: the text beside it says the same. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
