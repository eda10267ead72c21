import { ShownOnce } from '../parts/ShownOnce';

interface GivenPasswordProps {
  username: string;
  password: string;
  onClose(): void;
}

/** Shows a password that an administrator gave to somebody. The server does not know it. */
export function GivenPassword({ username, password, onClose }: GivenPasswordProps) {
  return (
    <ShownOnce
      id="given-password"
      what="password"
      secret={password}
      label={
        <>
          The password of <bdi>@{username}</bdi>
        </>
      }
      hint="Tell it to them by a way that others do not read. It is shown only now. They can change it in their account."
      onDone={onClose}
    />
  );
}
