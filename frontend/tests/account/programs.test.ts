import type { ProgramsApi } from 'tailwire-client/wire/api/programs';
import type { Token } from 'tailwire-client/wire/program_tokens';
import { expect, test } from 'vitest';
import { Tokens } from '../../src/account/programs';
import { AT } from '../make';

const token = (token_id: string): Token => ({
  ...{ token_id, name: token_id, scopes: ['read'], room_ids: null },
  ...{ created_at: AT, expires_at: null, last_used_at: null },
});

test('a token that was ended while the list was on its way does not come back', async () => {
  let answer: (tokens: Token[]) => void = () => {};
  const ended: string[] = [];
  const tokens = new Tokens(
    {
      tokens: () => new Promise<Token[]>((resolve) => (answer = resolve)),
      endToken: async (_of: string | null, id: string) => void ended.push(id),
    } as unknown as ProgramsApi,
    null,
  );
  const loading = tokens.load();
  await tokens.end('old');
  answer([token('new'), token('old')]);
  await loading;
  expect(ended).toEqual(['old']);
  expect(tokens.items.value.map(({ token_id }) => token_id)).toEqual(['new']);
});
