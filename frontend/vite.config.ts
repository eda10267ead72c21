import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import browsers from './browsers.json' with { type: 'json' };
import { emojiTable } from './emoji_table.ts';

const API = 'http://127.0.0.1:8000';

// The client of which the page is made is a package of its own.
const CLIENT = new URL('../sdk/typescript/src', import.meta.url).pathname;

// Every first path segment that the API owns; the app itself routes in the hash.
const API_PATHS = [
  'auth',
  'bots',
  'users',
  'rooms',
  'files',
  'avatars',
  'invites',
  'hooks',
  'mentions',
  'consumers',
  'sync',
  'search',
  'problems',
  'admin',
  'server',
  'direct',
  'healthz',
  'readyz',
  'openapi.json',
  'asyncapi.json',
  'docs',
];

// For static hosts that send no headers. connect-src stays open because a static file cannot know
// the API's address; the API narrows it in the header that it sends with the same page.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' http: https: ws: wss:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

// Only in the build: Vite's dev server injects style elements, which the policy forbids.
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

// The server sends these instead of the files beside them, so that it compresses nothing itself.
const CODINGS = [
  { suffix: '.br', compress: (body: Buffer) => brotliCompressSync(body) },
  { suffix: '.gz', compress: (body: Buffer) => gzipSync(body, { level: 9 }) },
];
const TEXTS = /\.(html|js|css|svg)$/;

function compression(): Plugin {
  let directory = '';
  return {
    name: 'compression',
    apply: 'build',
    configResolved(config) {
      directory = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
        if (!TEXTS.test(name)) continue;
        const body = readFileSync(join(directory, name));
        for (const { suffix, compress } of CODINGS) {
          const compressed = compress(body);
          if (compressed.length < body.length) {
            writeFileSync(join(directory, name + suffix), compressed);
          }
        }
      }
    },
  };
}

/** What begins each file of the page, by the name of the file. */
const BEGINNINGS = {
  index: /src\/main\.tsx$/,
  // What else is needed to log in.
  forms: /src\/views\/account\/AuthScreen\.tsx$/,
  // What else is needed by who is logged in.
  shell: /src\/views\/shell\/Shell\.tsx$/,
  // Where an invite leads.
  invited: /src\/views\/account\/Invited\.tsx$/,
  // Draws the links of invites.
  qr: /src\/browser\/qr_code\.ts$/,
  // What the first picture does without.
  later:
    /src\/(views\/(rooms|shell|timeline)\/later|account\/wiring|rooms\/(notifying|paused_webhooks|threads|files)|browser\/signs)\.ts$/,
  // The screen of administrators.
  admin: /src\/(views\/admin\/later|admin\/wiring)\.ts$/,
};

interface Graph {
  getModuleInfo(id: string): { importers: readonly string[] } | null;
}

/**
 * The file in which a module is: the first that needs it, and `index` where both who is logged in and who is not do.
 * What reads the markup of messages, and the table of emoji, have files of their own.
 */
function chunkOf(id: string, graph: Graph): string | null {
  const above = new Set([id]);
  for (const one of above)
    for (const importer of graph.getModuleInfo(one)?.importers ?? []) above.add(importer);
  const names = Object.entries(BEGINNINGS)
    .filter(([, begin]) => [...above].some((one) => begin.test(one)))
    .map(([name]) => name);
  if (names.includes('forms') && names.includes('shell')) return 'index';
  const [first = null] = names;
  return first === 'later' && /src\/(formatting|emoji)\//.test(id) ? null : first;
}

export default defineConfig({
  base: './',
  resolve: {
    alias: [{ find: /^tailwire-client\/(.*)$/, replacement: `${CLIENT}/$1.ts` }],
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [emojiTable(), contentSecurityPolicy(), compression()],
  build: {
    target: browsers,
    modulePreload: false,
    assetsInlineLimit: 0,
    sourcemap: false,
    rolldownOptions: {
      output: {
        // Cut into more files, the page would be compressed less.
        codeSplitting: {
          groups: [{ name: chunkOf, debugName: 'chunkOf' }],
          includeDependenciesRecursively: false,
        },
      },
    },
  },
  server: {
    fs: { allow: ['.', CLIENT] },
    proxy: {
      ...Object.fromEntries(
        // The API gives its session cookie to pages of its own origin only.
        API_PATHS.map((path) => [
          `/${path}`,
          { target: API, changeOrigin: true, headers: { Origin: API } },
        ]),
      ),
      '/ws': { target: API, ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    // Longer than the slowest takes on a machine that is busy with other things.
    testTimeout: 30_000,
  },
});
