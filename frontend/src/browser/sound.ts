// Two soft tones, each in hertz and seconds after the beginning.
const TONES = [
  [784, 0],
  [1047, 0.11],
] as const;
const TONE_SECONDS = 0.28;
const LOUDNESS = 0.12;

/** A short sound, made and not loaded. A page that the user has not pressed anything in may make none. */
export class Sound {
  readonly #window: Window & typeof globalThis;
  #context: AudioContext | null = null;

  constructor(window: Window & typeof globalThis) {
    this.#window = window;
  }

  async play(): Promise<void> {
    const { AudioContext, navigator } = this.#window as Partial<typeof globalThis> & Window;
    // Older browsers do not say, and then refuse silently.
    if (!AudioContext || navigator.userActivation?.hasBeenActive === false) return;
    try {
      this.#context ??= new AudioContext();
      if (this.#context.state === 'suspended') await this.#context.resume();
      for (const [hertz, wait] of TONES) tone(this.#context, hertz, wait);
    } catch {
      // There is no device that plays.
    }
  }
}

function tone(context: AudioContext, hertz: number, wait: number): void {
  const start = context.currentTime + wait;
  const source = new OscillatorNode(context, { frequency: hertz, type: 'sine' });
  const gain = new GainNode(context, { gain: LOUDNESS });
  gain.gain.setValueAtTime(LOUDNESS, start);
  gain.gain.exponentialRampToValueAtTime(0.001, start + TONE_SECONDS);
  source.connect(gain).connect(context.destination);
  source.start(start);
  source.stop(start + TONE_SECONDS);
}
