import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import browsers from './browsers.json' with { type: 'json' };
import { emojiTable } from './emoji_table.ts';

const API = 'http://127.0.0.1:8000';

// Every first path segment that the API owns; the app itself routes in the hash.
const API_PATHS = [
  'auth',
  'users',
  'rooms',
  'invites',
  'mentions',
  'admin',
  'server',
  'direct',
  'search',
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

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [emojiTable(), contentSecurityPolicy(), compression()],
  build: {
    target: browsers,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    sourcemap: false,
    rolldownOptions: {
      output: {
        // Cut into more files, the page would be compressed less. `index` is what it needs first, `forms` what it
        // needs besides to log in, `admin` the administrators' screen, `invited` where an invite leads, `qr` draws the
        // links of invites, and `later` has the other views and what
        // they alone need: it is loaded once the first picture is there.
        codeSplitting: {
          groups: [
            { name: 'index', tags: ['$initial'] },
            {
              name: 'forms',
              test: /src\/views\/(account\/(Auth|Login\.|SignUp|New|Pass|pass)|parts\/(form|Form|Field|Outc))/,
            },
            { name: 'invited', test: /src\/views\/(account\/Invited|parts\/invitation)/ },
            { name: 'qr', test: /node_modules\/qr\/|src\/browser\/qr_code/ },
            { name: 'later', test: /src\/(?!views\/admin\/)(views|account|rooms|browser)\// },
            // After `later`, so that this has nothing that others need.
            { name: 'admin', test: /src\/(views\/admin|admin|wire)\// },
          ],
        },
      },
    },
  },
  server: {
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
