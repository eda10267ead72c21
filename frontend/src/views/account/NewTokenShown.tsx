import { ShownOnce } from '../parts/ShownOnce';

/** Shows the secret of a token that was just made. The server does not know it. */
export function NewTokenShown({ token, onDone }: { token: string; onDone(): void }) {
  return (
    <ShownOnce
      id="new-token"
      what="token"
      secret={token}
      label="Give this to the program"
      hint="It is shown only now. Whoever has it may do what it allows, so keep it as you keep a password. An assistant that speaks MCP needs this server's address with /mcp, too."
      onDone={onDone}
    />
  );
}
