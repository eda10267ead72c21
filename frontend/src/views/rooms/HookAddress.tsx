import { useId } from 'preact/hooks';
import type { MadeHook } from 'tailwire-client/wire/hooks';
import { ShownOnce } from '../parts/ShownOnce';

/** The address of a hook that was just made: to copy, and a line of shell that tries it. */
export function HookAddress({ hook, onAnother }: { hook: MadeHook; onAnother(): void }) {
  return (
    <ShownOnce
      id={useId()}
      what="address"
      secret={hook.url}
      label={
        <>
          Address of <bdi>{hook.name}</bdi>
        </>
      }
      hint="It is shown only now. Whoever has it can post here, so keep it like a password."
      line={lineFor(hook.url)}
      done="Make another"
      onDone={onAnother}
    />
  );
}

/** A command for a terminal that posts to a hook. The address has no quotes. */
function lineFor(url: string): string {
  return `curl '${url}' -H 'Content-Type: application/json' -d '{"text": "It *works*"}'`;
}
