const PATHS = {
  camera: 'M3 8h4l2-3h6l2 3h4v11H3zM12 17a4 4 0 100-8 4 4 0 000 8z',
  clip: 'M20 11l-8.500 8.500a5 5 0 01-7-7L13 4a3.500 3.500 0 015 5l-8.500 8.500a1.800 1.800 0 01-2.600-2.600L14.500 7.500',
  file: 'M6 3h8l5 5v13H6zM14 3v5h5',
  less: 'M5 12h14',
  save: 'M12 4v11M7 10.500l5 5 5-5M5 20h14',
};

/** The icons of files. Those of the first load are in `Icon`. */
export function FileIcon({ name, size = 20 }: { name: keyof typeof PATHS; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
