/** Stands beside the name of a user as whom a program writes. */
export function BotMark() {
  return <span class="role bot-mark">Bot</span>;
}
