import { useSession } from './context';

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

interface AvatarProps {
  username: string;
  /** The id of the user, where their picture is to be shown. */
  id?: string | undefined;
  /** The id of their picture, as a list told it. What was learned since stands. */
  avatar?: string | null | undefined;
}

/**
 * The picture of a user. Below it, and where there is none, stand initials made from the username
 * only, so a user has the same letters and colour everywhere. The username of a bot says little where
 * a hook has made it, so bots give their shown name.
 */
export function Avatar({ username, id, avatar }: AvatarProps) {
  const { names } = useSession();
  return (
    <span class={`avatar hue-${hueOf(username)}`} aria-hidden="true">
      {initialsOf(username)}
      <Face avatar={(id && names.avatarOf(id)) ?? avatar} />
    </span>
  );
}

/** A picture over what stands below it, which shows where it cannot be loaded. */
export function Face({ avatar }: { avatar: string | null | undefined }) {
  return avatar ? (
    <img key={avatar} src={`avatars/${avatar}/96`} alt="" loading="lazy" decoding="async" />
  ) : null;
}
