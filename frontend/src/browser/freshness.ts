/**
 * Tells which answers are too old. An answer shows how things were when it was asked for, so what
 * was learned after that stands, and of two answers the one that was asked for last counts.
 */
export class Freshness {
  #moment = 0;
  readonly #learned = new Map<string, number>();
  readonly #answered = new Map<string, number>();

  /** Call it when a question is sent, and keep the moment that it returns until the answer comes. */
  ask(): number {
    return ++this.#moment;
  }

  /** Something came by another way: an event, or an answer to a command. */
  learned(subject: string): void {
    this.#learned.set(subject, ++this.#moment);
  }

  /** Whether something was learned of the subject after the question was sent. */
  isOutdated(subject: string, asked: number): boolean {
    return (this.#learned.get(subject) ?? 0) > asked;
  }

  /** Whether an answer counts. It does not where a question that was sent later is answered already. */
  accepts(question: string, asked: number): boolean {
    if ((this.#answered.get(question) ?? 0) > asked) return false;
    this.#answered.set(question, asked);
    return true;
  }
}
