/** Made by the build from `emojibase-data` (`emoji_table.ts`). */
declare module 'virtual:emoji' {
  const groups: readonly { title: string; rows: readonly string[] }[];
  export default groups;
}
