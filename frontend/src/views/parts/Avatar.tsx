const HUES = 12;

function hueOf(username: string): number {
  let hash = 0;
  for (const character of username)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x9e3779b1);
  return (hash >>> 16) % HUES;
}

function initialsOf(username: string): string {
  const words = username.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[1]] : [words[0] ?? '?'];
  return letters.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('');
}

/**
 * Made from the username only, so a user has the same letters and colour everywhere. The username of
 * a bot says little where a hook has made it, so bots give their shown name.
 */
export function Avatar({ username }: { username: string }) {
  return (
    <span class={`avatar hue-${hueOf(username)}`} aria-hidden="true">
      {initialsOf(username)}
    </span>
  );
}
