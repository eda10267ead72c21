import { QrCode } from './QrCode';
import { ShownOnce } from './ShownOnce';

/** The link of an invitation that was just made: to copy, and as a picture for the camera of a phone. */
export function InviteLink({ link, onAnother }: { link: string; onAnother(): void }) {
  return (
    <ShownOnce
      id="invite-link"
      what="link"
      secret={link}
      label="Give this link away"
      hint="It is shown only now. The server keeps nothing from which it could be made again."
      done="Make another"
      onDone={onAnother}
    >
      <QrCode text={link} label="The link as a picture for the camera of a phone" />
    </ShownOnce>
  );
}
